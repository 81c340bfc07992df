// Command sweeper does each minute what the stream has left, and asks for what nobody has told.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"onebook/internal/app"
	"onebook/internal/app/back"
)

func main() { lambda.Start(app.Start(back.Sweeper)) }
