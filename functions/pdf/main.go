// Command pdf prints issued documents as the change stream brings them.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
)

func main() { lambda.Start(app.Start((*app.Product).PDFFunction)) }
