// Servers that answer with the length of the Authorization header that they received.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

func main() {
	kind, address := os.Args[1], "127.0.0.1:"+os.Args[2]
	listener, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	if kind == "grpc" {
		panic(grpcServer().Serve(listener))
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{Protocols: protocols, Handler: http.HandlerFunc(answer)}
	panic(server.Serve(listener))
}

func answer(writer http.ResponseWriter, request *http.Request) {
	fmt.Fprint(writer, len(request.Header.Get("Authorization")))
}

// grpcServer answers every method with the length in a header.
func grpcServer() *grpc.Server {
	return grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		received, _ := metadata.FromIncomingContext(stream.Context())
		length := 0
		for _, value := range received.Get("authorization") {
			length += len(value)
		}
		return stream.SendHeader(metadata.Pairs("x-length", strconv.Itoa(length)))
	}))
}

