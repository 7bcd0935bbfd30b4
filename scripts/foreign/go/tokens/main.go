// Verifies the tokens of standard input: a line each of name, PEM of the key, token and algorithm.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/golang-jwt/jwt/v5"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var input [4]string
		if err := json.Unmarshal(lines.Bytes(), &input); err != nil {
			panic(err)
		}
		block, _ := pem.Decode([]byte(input[1]))
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			panic(err)
		}
		find := func(*jwt.Token) (any, error) { return key, nil }
		if _, err := jwt.Parse(input[2], find, jwt.WithValidMethods([]string{input[3]})); err != nil {
			fmt.Println("golang-jwt", input[0], "refused", err)
		} else {
			fmt.Println("golang-jwt", input[0], "accepted")
		}
	}
}
