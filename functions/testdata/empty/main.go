// Command empty is a function that does nothing: what any function in Go costs to start.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() { lambda.Start(func() error { return nil }) }
