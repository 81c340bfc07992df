package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"time"
)

// Start makes one function from the environment. It panics when the deployment is wrong, which is how a function says so
// when it is started, after it has told the platform why. The constructor is a parameter, so that a binary holds only what
// its function needs.
func Start(function Function) Handler {
	p, err := FromEnvironment()
	if err != nil {
		refuse(err)
	}
	h, err := function(New(p))
	if err != nil {
		refuse(err)
	}
	return h
}

// refuse ends a start. The library for Go reports failed invocations only, and without a report the platform knows no more
// of a failed start than its exit status.
func refuse(cause error) {
	report(os.Getenv("AWS_LAMBDA_RUNTIME_API"), cause)
	panic(cause.Error())
}

func report(api string, cause error) {
	body, err := json.Marshal(map[string]any{"errorType": "Deployment", "errorMessage": cause.Error(), "stackTrace": []string{}})
	if api == "" || err != nil {
		return
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+api+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Lambda-Runtime-Function-Error-Type", "Deployment")
	c := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{}} // never by a proxy
	if answer, err := c.Do(r); err == nil {
		_ = answer.Body.Close() // whatever it says, the start ends here
	}
}
