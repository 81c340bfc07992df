package gateway

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// The account and API that the payload names; nothing is behind them.
const (
	account = "000000000000"
	api     = "local"
	stage   = "$default"
)

func (g *Gateway) event(r *http.Request, route Route, params, claims map[string]string, id string, body []byte) events.APIGatewayV2HTTPRequest {
	now := g.Now().UTC()
	ip := source(r.RemoteAddr)
	e := events.APIGatewayV2HTTPRequest{
		Version:        "2.0",
		RouteKey:       route.Key(),
		RawPath:        r.URL.Path,
		RawQueryString: r.URL.RawQuery,
		Headers:        g.headers(r, ip),
		Cookies:        cookies(r.Header),
		PathParameters: params,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:     route.Key(),
			AccountID:    account,
			Stage:        stage,
			RequestID:    id,
			APIID:        api,
			DomainName:   r.Host,
			DomainPrefix: strings.SplitN(r.Host, ".", 2)[0],
			Time:         now.Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch:    now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto,
				SourceIP: ip, UserAgent: r.UserAgent(),
			},
		},
	}
	if q := query(r.URL.RawQuery); len(q) > 0 {
		e.QueryStringParameters = q
	}
	if claims != nil {
		e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: claims},
		}
	}
	if len(body) > 0 {
		if text(r.Header.Get("Content-Type")) && utf8.Valid(body) {
			e.Body = string(body)
		} else {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
	}
	return e
}

func (g *Gateway) headers(r *http.Request, ip string) map[string]string {
	out := make(map[string]string, len(r.Header)+6)
	for k, v := range r.Header {
		if k != "Cookie" {
			out[strings.ToLower(k)] = strings.Join(v, ",")
		}
	}
	for k, v := range g.Origin {
		out[strings.ToLower(k)] = strings.Join(v, ",")
	}
	out["host"] = r.Host
	if r.Header.Get("X-Forwarded-For") != "" {
		out["x-forwarded-for"] += ", " + ip
	} else {
		out["x-forwarded-for"] = ip
	}
	_, port, _ := net.SplitHostPort(r.Host)
	out["x-forwarded-proto"], out["x-forwarded-port"] = "http", port
	return out
}

func cookies(h http.Header) []string {
	var out []string
	for _, line := range h["Cookie"] {
		for _, c := range strings.Split(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				out = append(out, c)
			}
		}
	}
	return out
}

// query joins repeated parameters by commas. Unlike url.ParseQuery it keeps what can be read of a broken string,
// as the service does.
func query(raw string) map[string]string {
	out := map[string]string{}
	for _, pair := range strings.Split(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		if err != nil {
			key = k
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			value = v
		}
		if old, there := out[key]; there {
			value = old + "," + value
		}
		out[key] = value
	}
	return out
}

// text tells which bodies arrive as they are: the service decides by type and encodes every other one, forms too.
func text(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch t {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml")
}

func source(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}
