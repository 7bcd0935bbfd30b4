package main

import _ "github.com/golang-jwt/jwt/v5"

func main() {}
