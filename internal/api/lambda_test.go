package api

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

// through sends an event to a handler that looks at the request as it arrives.
func through(t *testing.T, e events.APIGatewayV2HTTPRequest, look func(w http.ResponseWriter, r *http.Request)) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := Handler(http.HandlerFunc(look))(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestARequestArrivesAsItWasSent(t *testing.T) {
	e := event("POST", "/v1/a%20b/c?x=1&x=2&y=%2C", `{"a":1}`, "owner")
	e.Headers["if-modified-since"] = "Mon, 05 Jan 2026 09:00:00 GMT"
	e.Headers["accept"] = "text/html,application/json;q=0.9"
	e.Headers["user-agent"] = "Mozilla/5.0 (X11, like Gecko)"
	e.Cookies = []string{"a=1", "b=2"}
	e.RequestContext.HTTP.Path = "/not/this"
	through(t, e, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		a, _ := r.Cookie("a")
		b, _ := r.Cookie("b")
		got := []string{
			r.Method, r.URL.Path, r.URL.EscapedPath(), r.URL.Query()["x"][1], r.URL.Query().Get("y"), r.Host, r.RemoteAddr, string(body),
			r.Header.Get("If-Modified-Since"), r.Header.Get("Accept"), r.UserAgent(), a.Value + b.Value, gatewayOf(r.Context()).request,
		}
		want := []string{
			"POST", "/v1/a b/c", "/v1/a%20b/c", "2", ",", "api.example", "192.0.2.1", `{"a":1}`,
			"Mon, 05 Jan 2026 09:00:00 GMT", "text/html,application/json;q=0.9", "Mozilla/5.0 (X11, like Gecko)", "12", "req-1",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if len(r.Header.Values("Accept")) != 1 || r.ContentLength != 7 {
			t.Errorf("accept %q, length %d", r.Header.Values("Accept"), r.ContentLength)
		}
	})
}

func TestPathsArriveEscapedOrNotAndWithoutTheStage(t *testing.T) {
	for _, c := range []struct{ raw, stage, want string }{
		{"/v1/x", "$default", "/v1/x"}, {"/v1/x", "", "/v1/x"}, {"/dev/v1/x", "dev", "/v1/x"}, {"/device/x", "dev", "/device/x"},
		{"/dev", "dev", ""}, {"/v1/a b", "$default", "/v1/a b"}, {"/v1/a%20b", "$default", "/v1/a b"}, {"/v1/100%", "$default", "/v1/100%"},
		{"/v1/a%2Fb", "$default", "/v1/a/b"}, {"/v1/é", "$default", "/v1/é"},
	} {
		e := event("GET", c.raw, "", "")
		e.RawPath, e.RequestContext.Stage = c.raw, c.stage
		through(t, e, func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path != c.want {
				t.Errorf("%s on %s arrives as %q, want %q", c.raw, c.stage, r.URL.Path, c.want)
			}
		})
	}
}

// An escaped slash stays inside its segment: it cannot lead to another route.
func TestAnEscapedSlashIsNoSlash(t *testing.T) {
	s := open(t)
	r := s.call("GET", "/v1/widgets/wi_1%2Fdrawing", "").want(t, 404, "not_found")
	if r.json["detail"] != `there is no widget "wi_1/drawing"` {
		t.Error(r.body)
	}
}

func TestBinaryComesAndGoesInBase64(t *testing.T) {
	raw := []byte{0, 0xff, 'x'}
	e := event("POST", "/v1/x", base64.StdEncoding.EncodeToString(raw), "")
	e.IsBase64Encoded = true
	out := through(t, e, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	if out.StatusCode != 200 || !out.IsBase64Encoded || out.Body != e.Body {
		t.Errorf("%+v", out)
	}
	s := open(t)
	e = event("POST", "/v1/widgets", base64.StdEncoding.EncodeToString([]byte(bodyA)), "owner")
	e.IsBase64Encoded = true
	s.send(e).want(t, 201, "")
	e.Body = "not base64!"
	s.send(e).want(t, 400, "malformed")
}

func TestRepeatedHeadersAndCookiesOfAnAnswerAreKept(t *testing.T) {
	out := through(t, event("GET", "/v1/x", "", ""), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "a=1; Path=/")
		w.Header().Add("Set-Cookie", "b=2; Expires=Mon, 05 Jan 2026 09:00:00 GMT")
		w.Header().Add("Vary", "Accept")
		w.Header().Add("Vary", "Origin")
		w.WriteHeader(201)
		w.WriteHeader(500)
		w.Write([]byte("ok "))
		w.Write([]byte("then"))
	})
	want := events.APIGatewayV2HTTPResponse{
		StatusCode: 201, Body: "ok then", Headers: map[string]string{"Vary": "Accept, Origin"},
		Cookies: []string{"a=1; Path=/", "b=2; Expires=Mon, 05 Jan 2026 09:00:00 GMT"},
	}
	if d := cmp.Diff(want, out); d != "" {
		t.Error(d)
	}
}

// Claims come from the authorizer and from nowhere else.
func TestClaimsCannotBeSentInAHeader(t *testing.T) {
	s := open(t)
	s.role = ""
	s.call("GET", "/v1/widgets/wi_1", "", "X-Amzn-Request-Context", `{"authorizer":{"jwt":{"claims":{"sub":"sub-owner"}}}}`,
		"X-Golambdaproxy-Apigw-Context", `{"authorizer":{"jwt":{"claims":{"sub":"sub-owner"}}}}`).want(t, 401, "unauthenticated")
}

// The same routes serve plain HTTP; without a gateway there is no member, but what is public is public.
func TestDoorsServePlainHTTP(t *testing.T) {
	srv := httptest.NewServer(newShop().api())
	defer srv.Close()
	for path, status := range map[string]int{"/v1/public/widgets/ref-a": 200, "/v1/widgets": 401, "/v1/openapi.json": 200} {
		resp, err := srv.Client().Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}
