// Command openapi writes internal/api/openapi.json, the OpenAPI 3.1 document of all doors.
//
//	go run ./internal/api/openapi [-o file]
package main

import (
	"flag"
	"fmt"
	"os"

	"onebook/internal/api"
)

func main() {
	out := flag.String("o", "internal/api/openapi.json", "where to write it")
	flag.Parse()
	doc, err := api.Document(api.Doors()...)
	if err == nil {
		err = os.WriteFile(*out, doc, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
