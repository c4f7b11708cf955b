

# The head of the file.
// Another style.


/* a block
   comment,   


   kept */
server   "web1"   {   address="192.0.2.11:80"   } # beside
server "web2" {

    # above the address
  address =    "192.0.2.12:80" // beside


}



pool "shop" {
  policy="adaptive"
     queue   =   5



  # before a member
	member "web1" {}
  member "web2"    { weight=5 }
    # at the end

}
cluster "shop" {
protocol = "http"
listen = [
"192.0.2.1:80",

"192.0.2.1:81" , # the second
]
pool = "shop"
rule "a" {
when = (host( "a" )
&&! method("GET" ))
responder = "text"
}
}
responder "text" {
  body = <<EOT
  kept   


  {
EOT
  status = 200
}
# the end
