// Command pdf prints issued documents as the change stream brings them.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/back"
)

func main() { lambda.Start(app.Start(back.PDF)) }
