package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"onebook/infra/local/invoke"
)

var now = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

type rig struct {
	*Gateway
	got    events.APIGatewayV2HTTPRequest
	called string
	answer string
	err    error
}

func newRig(t *testing.T, routes ...Route) *rig {
	t.Helper()
	table, err := NewRoutes(routes)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{answer: `{"statusCode":200,"headers":{"content-type":"application/json"},"body":"{}"}`}
	r.Gateway = &Gateway{Routes: table, Now: func() time.Time { return now },
		Invoke: func(_ context.Context, fn string, payload json.RawMessage) (json.RawMessage, error) {
			r.called, r.got = fn, events.APIGatewayV2HTTPRequest{}
			if err := json.Unmarshal(payload, &r.got); err != nil {
				t.Fatal(err)
			}
			return json.RawMessage(r.answer), r.err
		}}
	return r
}

func (r *rig) do(req *http.Request) *http.Response {
	r.called = ""
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// What a function is handed is what the service would hand it.
func TestPayload(t *testing.T) {
	g := newRig(t, Route{"POST", "/v1/invoices/{id}/payments", false, "invoices"})
	g.Origin = http.Header{"X-Origin-Secret": {"s"}}
	req := httptest.NewRequest("POST", "http://onebook.local:8080/v1/invoices/in_1%20x/payments?a=1&b=x%2Fy&a=2", strings.NewReader(`{"amount":100}`))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Add("X-Many", "one")
	req.Header.Add("X-Many", "two")
	req.Header.Set("Cookie", "a=1; b=2")
	req.Header.Set("User-Agent", "curl/8")
	req.RemoteAddr = "127.0.0.1:5555"
	if res := g.do(req); res.StatusCode != 200 || body(t, res) != "{}" || res.Header.Get("Apigw-Requestid") == "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	if g.called != "invoices" {
		t.Errorf("called %q", g.called)
	}
	want := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST /v1/invoices/{id}/payments", RawPath: "/v1/invoices/in_1 x/payments",
		RawQueryString: "a=1&b=x%2Fy&a=2", Cookies: []string{"a=1", "b=2"},
		Headers: map[string]string{"content-type": "application/json; charset=utf-8", "x-many": "one,two", "user-agent": "curl/8",
			"host": "onebook.local:8080", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-port": "8080", "x-origin-secret": "s"},
		QueryStringParameters: map[string]string{"a": "1,2", "b": "x/y"},
		PathParameters:        map[string]string{"id": "in_1 x"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "POST /v1/invoices/{id}/payments", AccountID: "000000000000", Stage: "$default", APIID: "local",
			DomainName: "onebook.local:8080", DomainPrefix: "onebook", Time: "05/Jan/2026:09:00:00 +0000", TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "POST", Path: "/v1/invoices/in_1 x/payments",
				Protocol: "HTTP/1.1", SourceIP: "127.0.0.1", UserAgent: "curl/8"},
		},
		Body: `{"amount":100}`,
	}
	g.got.RequestContext.RequestID = ""
	if d := cmp.Diff(want, g.got); d != "" {
		t.Error(d)
	}
}

// A body that is no text arrives in base64, and a function that hashes it must decode it first.
func TestBodies(t *testing.T) {
	cases := []struct {
		kind, body string
		encoded    bool
	}{
		{"application/json", `{"a":"ä"}`, false},
		{"text/calendar; charset=utf-8", "BEGIN", false},
		{"application/merge-patch+json", `{}`, false},
		{"application/x-www-form-urlencoded", "a=1", true},
		{"application/json", "\xff\xfe", true},
		{"image/png", "\x89PNG", true},
		{"", "x", true},
	}
	g := newRig(t, Route{"POST", "/x", false, "f"})
	for _, c := range cases {
		req := httptest.NewRequest("POST", "/x", strings.NewReader(c.body))
		req.Header.Set("Content-Type", c.kind)
		g.do(req)
		if g.got.IsBase64Encoded != c.encoded {
			t.Errorf("%q: base64 %v", c.kind, g.got.IsBase64Encoded)
		}
	}
}

func TestRoutes(t *testing.T) {
	g := newRig(t,
		Route{"GET", "/v1/contacts/{id}", false, "contacts"},
		Route{"GET", "/v1/contacts/match", false, "literal"},
		Route{"POST", "/v1/contacts/{id}/merge", false, "merge"},
		Route{"ANY", "/v1/any", false, "any"},
		Route{"GET", "/v1/any", false, "get"},
		Route{"GET", "/files/{rest+}", false, "files"},
		Route{"GET", "/files/{a}/{b}", false, "two"},
	)
	cases := []struct{ method, path, want string }{
		{"GET", "/v1/contacts/ct_1", "contacts"},
		{"GET", "/v1/contacts/match", "literal"},
		{"GET", "/v1/contacts/", ""},
		{"GET", "/v1/contacts/ct_1/", ""},
		{"GET", "/v1/Contacts/ct_1", ""},
		{"PUT", "/v1/contacts/ct_1", ""},
		{"HEAD", "/v1/contacts/ct_1", ""},    // HEAD is a route of its own
		{"OPTIONS", "/v1/contacts/ct_1", ""}, // without CORS there is no preflight
		{"POST", "/v1/contacts/ct_1/merge", "merge"},
		{"GET", "/v1/any", "get"},
		{"DELETE", "/v1/any", "any"},
		{"HEAD", "/v1/any", "any"},
		{"GET", "/files/a/b/c", "files"},
		{"GET", "/files/a/b", "two"},
		{"GET", "/files/", ""},
		{"GET", "/", ""},
	}
	for _, c := range cases {
		res := g.do(httptest.NewRequest(c.method, c.path, nil))
		if g.called != c.want {
			t.Errorf("%s %s went to %q, want %q", c.method, c.path, g.called, c.want)
		}
		if c.want == "" && (res.StatusCode != 404 || body(t, res) != `{"message":"Not Found"}`) {
			t.Errorf("%s %s: %d", c.method, c.path, res.StatusCode)
		}
	}
	g.do(httptest.NewRequest("GET", "/files/a/b/c", nil))
	if g.got.PathParameters["rest"] != "a/b/c" {
		t.Errorf("rest = %q", g.got.PathParameters["rest"])
	}
	if _, err := NewRoutes([]Route{{"GET", "/a", false, "f"}, {"get", "/a", true, "g"}}); err == nil {
		t.Error("one key twice was accepted")
	}
}

func TestAnswers(t *testing.T) {
	g := newRig(t, Route{"GET", "/x", false, "f"})
	cases := []struct {
		name, answer string
		err          error
		status       int
		kind, body   string
	}{
		{"plain", `{"statusCode":201,"headers":{"content-type":"text/html","x-n":5},"body":"<p>"}`, nil, 201, "text/html", "<p>"},
		{"binary", `{"statusCode":200,"headers":{"Content-Type":"application/pdf"},"body":"JVBERg==","isBase64Encoded":true}`, nil, 200, "application/pdf", "%PDF"},
		{"no type", `{"statusCode":200,"body":"hello"}`, nil, 200, "text/plain;charset=UTF-8", "hello"},
		{"no status: the answer is the body", `{"a":1}`, nil, 200, "application/json", `{"a":1}`},
		{"a bare string", `"hi"`, nil, 200, "application/json", `"hi"`},
		{"status out of range", `{"statusCode":99,"body":""}`, nil, 500, "application/json", `{"message":"Internal Server Error"}`},
		{"status of a wrong kind", `{"statusCode":"200"}`, nil, 500, "application/json", `{"message":"Internal Server Error"}`},
		{"no base64", `{"statusCode":200,"body":"%","isBase64Encoded":true}`, nil, 500, "application/json", `{"message":"Internal Server Error"}`},
		{"error", ``, errors.New("secret detail"), 500, "application/json", `{"message":"Internal Server Error"}`},
		{"timeout", ``, invoke.ErrTimeout, 500, "application/json", `{"message":"Internal Server Error"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g.answer, g.err = c.answer, c.err
			res := g.do(httptest.NewRequest("GET", "/x", nil))
			if got := body(t, res); res.StatusCode != c.status || got != c.body || res.Header.Get("Content-Type") != c.kind {
				t.Errorf("%d %s %q", res.StatusCode, res.Header.Get("Content-Type"), got)
			}
		})
	}
	g.err, g.answer = nil, `{"statusCode":302,"headers":{"location":"/there"},"cookies":["a=1","b=2; HttpOnly"],"multiValueHeaders":{"x-lost":["1"]}}`
	res := g.do(httptest.NewRequest("GET", "/x", nil))
	if c := res.Header["Set-Cookie"]; len(c) != 2 || res.Header.Get("Location") != "/there" || res.Header.Get("X-Lost") != "" {
		t.Errorf("%v", res.Header)
	}
}

func TestBodyLimit(t *testing.T) {
	g := newRig(t, Route{"POST", "/x", false, "f"})
	g.Gateway.Invoke = (&invoke.Functions{ByName: map[string]invoke.Function{"f": {Handler: func(context.Context, json.RawMessage) (json.RawMessage, error) {
		return json.RawMessage(`{"statusCode":204}`), nil
	}}}}).Invoke
	for size, status := range map[int]int{1 << 20: 204, 7 << 20: 413, MaxBody + 1: 413} {
		req := httptest.NewRequest("POST", "/x", bytes.NewReader(bytes.Repeat([]byte("a"), size)))
		req.Header.Set("Content-Type", "text/plain")
		if res := g.do(req); res.StatusCode != status {
			t.Errorf("%d bytes: %d, want %d", size, res.StatusCode, status)
		}
	}
}

// The door answers a browser's preflight itself, and only for the origins of the template.
func TestCORS(t *testing.T) {
	g := newRig(t, Route{"GET", "/x", false, "f"})
	g.CORS = &CORS{AllowOrigins: []string{"https://app.example"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"authorization"},
		ExposeHeaders: []string{"etag"}, MaxAge: 600}
	g.answer = `{"statusCode":200,"headers":{"access-control-allow-origin":"*"},"body":""}`
	preflight := func(origin string) *http.Response {
		req := httptest.NewRequest("OPTIONS", "/nowhere", nil)
		req.Header.Set("Origin", origin)
		req.Header.Set("Access-Control-Request-Method", "POST")
		return g.do(req)
	}
	if res := preflight("https://app.example"); res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "https://app.example" ||
		res.Header.Get("Access-Control-Allow-Methods") != "GET,POST" || g.called != "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if res := preflight("https://evil.example"); res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	req := httptest.NewRequest("GET", "/x", nil)
	req.Header.Set("Origin", "https://app.example")
	if res := g.do(req); res.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || res.Header.Get("Access-Control-Expose-Headers") != "etag" {
		t.Errorf("%v", res.Header)
	}
}
