package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// answer is the function's response of format 2.0. multiValueHeaders are no part of it: the service ignores them.
type answer struct {
	StatusCode      *int           `json:"statusCode"`
	Headers         map[string]any `json:"headers"`
	Cookies         []string       `json:"cookies"`
	Body            string         `json:"body"`
	IsBase64Encoded bool           `json:"isBase64Encoded"`
}

// ours are headers that only the server itself may write.
var ours = map[string]bool{
	"Connection": true, "Content-Length": true, "Transfer-Encoding": true, "Upgrade": true, "Trailer": true,
	"Te": true, "Keep-Alive": true, "Date": true, "Apigw-Requestid": true,
}

// write turns a function's response into HTTP. An error means that nothing was written yet.
func write(w http.ResponseWriter, payload json.RawMessage) error {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 || bytes.Equal(payload, []byte("null")) {
		payload = []byte("null")
	}
	var probe map[string]json.RawMessage
	if json.Unmarshal(payload, &probe) != nil || probe["statusCode"] == nil {
		// Without a status code the whole answer is the body, whatever it holds.
		if !json.Valid(payload) {
			return fmt.Errorf("the function's answer is no JSON")
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		w.Write(payload)
		return nil
	}
	var a answer
	if err := json.Unmarshal(payload, &a); err != nil {
		return fmt.Errorf("the function's answer is malformed: %w", err)
	}
	if a.StatusCode == nil || *a.StatusCode < 100 || *a.StatusCode > 599 {
		return fmt.Errorf("the function's answer has no usable status code")
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			return fmt.Errorf("the function's body is no base64: %w", err)
		}
	}
	h := w.Header()
	for k, v := range a.Headers {
		k = http.CanonicalHeaderKey(k)
		if ours[k] || strings.HasPrefix(k, "Access-Control-") && h.Get("Access-Control-Allow-Origin") != "" {
			continue
		}
		h.Set(k, fmt.Sprint(v))
	}
	for _, c := range a.Cookies {
		h.Add("Set-Cookie", c)
	}
	if h.Get("Content-Type") == "" && len(body) > 0 {
		h.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	w.WriteHeader(*a.StatusCode)
	w.Write(body)
	return nil
}
