package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"onebook/infra/local/invoke"
)

const prefix = "/2018-06-01/runtime"

func requestID() string { return invoke.RequestID() }

// api is the runtime API as the binary sees it.
func (p *Process) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+prefix+"/invocation/next", p.next)
	mux.HandleFunc("POST "+prefix+"/invocation/{id}/response", p.response)
	mux.HandleFunc("POST "+prefix+"/invocation/{id}/error", p.failure)
	mux.HandleFunc("POST "+prefix+"/init/error", p.initFailure)
	return mux
}

// next answers the next invocation as soon as there is one.
func (p *Process) next(w http.ResponseWriter, r *http.Request) {
	p.first.Do(func() {
		p.startup = time.Since(p.started)
		close(p.polled)
	})
	var c *call
	select {
	case c = <-p.calls:
	case <-r.Context().Done():
		return
	}
	p.serving.Lock()
	p.current = c
	p.serving.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", c.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:function")
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-"+strconv.FormatInt(c.deadline.Unix(), 16)+"-0123456789abcdef01234567;Sampled=0")
	_, _ = w.Write(c.payload) // a reader that is gone does not answer either
}

// take answers the invocation under way when it has this id; each is answered once.
func (p *Process) take(w http.ResponseWriter, id string) (*call, bool) {
	p.serving.Lock()
	defer p.serving.Unlock()
	c := p.current
	if c == nil || c.id != id {
		status(w, http.StatusBadRequest, map[string]string{"errorType": "InvalidRequestID", "errorMessage": "no such invocation is under way"})
		return nil, false
	}
	p.current = nil
	return c, true
}

func (p *Process) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, invoke.MaxPayload+1))
	if err != nil {
		return
	}
	c, ok := p.take(w, r.PathValue("id"))
	if !ok {
		return
	}
	switch {
	case len(body) > invoke.MaxPayload:
		status(w, http.StatusRequestEntityTooLarge, map[string]string{"errorType": "RequestEntityTooLarge", "errorMessage": "an answer has at most 6 MB"})
		c.answer <- answer{err: &Failure{Type: "Function.ResponseSizeTooLarge", Message: "the answer is over 6 MB"}}
	case !json.Valid(body):
		status(w, http.StatusAccepted, map[string]string{"status": "OK"})
		c.answer <- answer{err: &Failure{Type: "Runtime.InvalidResponse", Message: "the answer is no JSON: " + string(body)}}
	default:
		status(w, http.StatusAccepted, map[string]string{"status": "OK"})
		c.answer <- answer{body: body}
	}
}

func (p *Process) failure(w http.ResponseWriter, r *http.Request) {
	f := reported(r)
	c, ok := p.take(w, r.PathValue("id"))
	if !ok {
		return
	}
	status(w, http.StatusAccepted, map[string]string{"status": "OK"})
	c.answer <- answer{err: f}
}

func (p *Process) initFailure(w http.ResponseWriter, r *http.Request) {
	f := reported(r)
	f.Init = true
	select {
	case p.failed <- f:
		status(w, http.StatusAccepted, map[string]string{"status": "OK"})
	default:
		status(w, http.StatusForbidden, map[string]string{"errorType": "InvalidStateTransition", "errorMessage": "the start has failed already"})
	}
}

// reported reads the body of an error report; the header names the type where the body does not.
func reported(r *http.Request) *Failure {
	f := &Failure{}
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(f); err != nil {
		f.Message = "the report cannot be read: " + err.Error()
	}
	if f.Type == "" {
		f.Type = r.Header.Get("Lambda-Runtime-Function-Error-Type")
	}
	return f
}

func status(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
