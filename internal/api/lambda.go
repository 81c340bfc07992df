package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// Handler makes the handler of a function behind an HTTP API (payload format 2.0). The context's deadline is the
// caller's business.
//
// The adapter is our own: the common one parts every header at its commas, which tears dates, and hands the
// authorizer's claims on in a header that a client could send as well.
func Handler(h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		w := &recorder{header: http.Header{}}
		r, err := request(ctx, e)
		if err != nil {
			x := &exchange{api: &API{}, route: &route{name: "none"}, w: w, r: r}
			for k, v := range always {
				w.header.Set(k, v)
			}
			x.fail(err)
		} else {
			h.ServeHTTP(w, r)
		}
		return w.response(e.RequestContext.HTTP.Method == http.MethodHead), nil
	}
}

// request makes the request that the client sent of the event that the gateway made of it. The request is usable
// even with an error.
func request(ctx context.Context, e events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	g := gateway{request: e.RequestContext.RequestID}
	if a := e.RequestContext.Authorizer; a != nil && a.JWT != nil {
		g.claims = a.JWT.Claims
	}
	r := (&http.Request{
		Method: e.RequestContext.HTTP.Method, URL: address(e), Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Host: e.RequestContext.DomainName, RemoteAddr: e.RequestContext.HTTP.SourceIP, Body: http.NoBody,
	}).WithContext(withGateway(ctx, g))
	// The gateway has joined repeated headers with commas, which is what they mean together.
	for k, v := range e.Headers {
		r.Header.Set(k, v)
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return r, malformed("the body could not be read")
		}
	}
	if len(body) > 0 {
		r.Body, r.ContentLength = readCloser{bytes.NewReader(body)}, int64(len(body))
	}
	return r, nil
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// address reads the raw path. The gateway has been seen to hand it on both as sent and decoded, so a path that is no
// valid escaping is taken as it is. A named stage stands in front of the path and is none of ours.
func address(e events.APIGatewayV2HTTPRequest) *url.URL {
	raw := e.RawPath
	if s := e.RequestContext.Stage; s != "" && s != "$default" {
		if rest, ok := strings.CutPrefix(raw, "/"+s); ok && (rest == "" || rest[0] == '/') {
			raw = rest
		}
	}
	u := &url.URL{Path: raw, RawQuery: e.RawQueryString}
	if p, err := url.PathUnescape(raw); err == nil && p != raw {
		u.Path, u.RawPath = p, raw
	}
	return u
}

// recorder keeps an answer until it is complete.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *recorder) response(head bool) events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: make(map[string]string, len(w.header))}
	for k, vs := range w.header {
		if k == "Set-Cookie" {
			out.Cookies = vs
			continue
		}
		out.Headers[k] = strings.Join(vs, ", ")
	}
	switch b := w.body.Bytes(); {
	case head:
	case utf8.Valid(b):
		out.Body = string(b)
	default:
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(b), true
	}
	return out
}
