// Command setup makes the first owner, once, at the end of the first deploy.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/back"
)

func main() { lambda.Start(app.Start(back.Setup)) }
