// Command portal serves the client's pages, for whoever holds a link.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/front"
)

func main() { lambda.Start(app.Start(front.Portal)) }
