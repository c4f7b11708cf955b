// SPDX-License-Identifier: Apache-2.0

package fat

import (
	"fmt"
)

// A geometry says where the parts of a file system lie. Sectors have 512 bytes.
type geometry struct {
	sectors    uint32 // of the whole file system
	reserved   uint32
	fatSectors uint32 // of one FAT
	fats       uint32
	perCluster uint32 // sectors of a cluster
	clusters   uint32
	root       uint32 // first cluster of the root folder
}

// divide chooses the largest cluster up to 4 KiB with which size bytes still make a
// FAT32. The first cluster starts at a multiple of 4 KiB.
func divide(size int64) (geometry, error) {
	sectors := size / sectorSize
	if sectors > 1<<32-1 {
		return geometry{}, fmt.Errorf("FAT32 of %d bytes: must be less than 2 TiB", size)
	}
	for perCluster := uint32(8); perCluster > 0; perCluster /= 2 {
		g := geometry{sectors: uint32(sectors), fats: 2, perCluster: perCluster, root: 2}
		g.fatSectors = (g.sectors/perCluster+2)*4/sectorSize + 1
		g.reserved = reservedLeast
		if rest := (g.reserved + g.fats*g.fatSectors) % 8; rest > 0 {
			g.reserved += 8 - rest
		}
		if g.sectors < g.dataStart() {
			continue
		}
		g.clusters = (g.sectors - g.dataStart()) / perCluster
		if g.clusters >= minClusters+margin && g.clusters <= maxClusters-margin {
			return g, nil
		}
	}
	return geometry{}, fmt.Errorf("FAT32 of %d bytes: must have at least 33 MiB", size)
}

func (g geometry) dataStart() uint32   { return g.reserved + g.fats*g.fatSectors }
func (g geometry) clusterSize() int64  { return int64(g.perCluster) * sectorSize }
func (g geometry) fatSize() int64      { return int64(g.fatSectors) * sectorSize }
func (g geometry) fatOffset() int64    { return int64(g.reserved) * sectorSize }
func (g geometry) holds(n uint32) bool { return n >= 2 && n-2 < g.clusters }
func (g geometry) offset(n uint32) int64 {
	return int64(g.dataStart())*sectorSize + int64(n-2)*g.clusterSize()
}

// clustersFor is how many clusters n bytes take.
func (g geometry) clustersFor(n int64) int64 { return (n + g.clusterSize() - 1) / g.clusterSize() }
