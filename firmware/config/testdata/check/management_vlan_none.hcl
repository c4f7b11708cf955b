management { vlan = 10 }
