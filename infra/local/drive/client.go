package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Client speaks to the API of a running local program. It fetches tokens by itself, and anew when one has run out.
type Client struct {
	Base string
	Role string // of the demo member it signs in as
	// Patience is how long a request is repeated, as it was, while its connection is refused or lost or the answer is
	// 503. Zero: it is not repeated. Whoever sets it gives every POST an Idempotency-Key.
	Patience time.Duration

	mu    sync.Mutex
	token string
}

// wire is shared: a program is one host, and many requests at once must not open a connection each.
var wire = &http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext},
	Timeout:   2 * time.Minute,
	// A redirect is an answer to look at, not a way to follow.
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Call is one request.
type Call struct {
	Method, Path string
	Key          string // Idempotency-Key, or empty
	IfMatch      string
	Accept       string
	Public       bool   // without a token
	Bearer       string // this token instead of the client's own
	Body         any    // sent as JSON; nil sends none
}

// Answer is what came back: any status below 400.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Refusal is an answer of 400 or more.
type Refusal struct {
	Call   string // method and path
	Status int
	Code   string
	Detail string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %d %s %s", r.Call, r.Status, r.Code, r.Detail)
}

// StatusOf is the status of a refusal, 0 for any other error or none.
func StatusOf(err error) int {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Status
	}
	return 0
}

// errLost: no answer came, or only a part of one.
var errLost = errors.New("the connection was lost")

// Do sends a call and decodes the answer's JSON into into, unless it is nil. Numbers that go into an any stay as they
// were written. The error is a *Refusal when the program answered with 400 or more, and another when no answer came.
func (c *Client) Do(ctx context.Context, call Call, into any) (Answer, error) {
	var body []byte
	if call.Body != nil {
		var err error
		if body, err = json.Marshal(call.Body); err != nil {
			return Answer{}, err
		}
	}
	deadline := time.Now().Add(c.Patience)
	signedIn := false
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		a, err := c.try(ctx, call, body)
		switch {
		case err == nil && into == nil:
			return a, nil
		case err == nil:
			d := json.NewDecoder(bytes.NewReader(a.Body))
			d.UseNumber()
			if err := d.Decode(into); err != nil {
				return a, fmt.Errorf("%s %s: the answer %.200q cannot be read: %w", call.Method, call.Path, a.Body, err)
			}
			return a, nil
		case StatusOf(err) == http.StatusUnauthorized && !call.Public && !signedIn:
			signedIn = true
			c.forget()
			continue
		case !errors.Is(err, errLost) && StatusOf(err) != http.StatusServiceUnavailable:
			return a, err
		case time.Now().After(deadline):
			return a, err
		}
		select {
		case <-ctx.Done():
			return a, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (c *Client) try(ctx context.Context, call Call, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, call.Method, c.Base+call.Path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for name, v := range map[string]string{"Idempotency-Key": call.Key, "If-Match": call.IfMatch, "Accept": call.Accept} {
		if v != "" {
			req.Header.Set(name, v)
		}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		if call.Method == http.MethodPatch {
			req.Header.Set("Content-Type", "application/merge-patch+json")
		}
	}
	switch {
	case call.Bearer != "":
		req.Header.Set("Authorization", "Bearer "+call.Bearer)
	case !call.Public:
		token, err := c.signIn(ctx)
		if err != nil {
			return Answer{}, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return send(req, call)
}

func send(req *http.Request, call Call) (Answer, error) {
	name := call.Method + " " + call.Path
	res, err := wire.Do(req)
	if err != nil {
		if req.Context().Err() != nil {
			return Answer{}, req.Context().Err()
		}
		return Answer{}, fmt.Errorf("%s: %w: %v", name, errLost, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %w: %v", name, errLost, err)
	}
	a := Answer{Status: res.StatusCode, Header: res.Header, Body: b}
	if res.StatusCode < 400 {
		return a, nil
	}
	r := &Refusal{Call: name, Status: res.StatusCode}
	var problem struct {
		Code, Detail, Message string
		Errors                []struct{ Field, Message string }
	}
	if json.Unmarshal(b, &problem) == nil {
		r.Code, r.Detail = problem.Code, problem.Detail+problem.Message
		for _, e := range problem.Errors {
			r.Detail += fmt.Sprintf("; %s: %s", e.Field, e.Message)
		}
	}
	return a, r
}

func (c *Client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = ""
}

func (c *Client) signIn(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" {
		return c.token, nil
	}
	body, err := json.Marshal(map[string]string{"role": c.Role})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+"/_local/token", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	a, err := send(req, Call{Method: http.MethodPost, Path: "/_local/token"})
	if err != nil {
		return "", err
	}
	var got struct{ AccessToken string }
	if err := json.Unmarshal(a.Body, &got); err != nil {
		return "", fmt.Errorf("the token cannot be read: %w", err)
	}
	c.token = got.AccessToken
	return c.token, nil
}

// Get reads path into into.
func (c *Client) Get(ctx context.Context, path string, into any) error {
	_, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path}, into)
	return err
}

// Post posts body under an Idempotency-Key.
func (c *Client) Post(ctx context.Context, path, key string, body, into any) error {
	_, err := c.Do(ctx, Call{Method: http.MethodPost, Path: path, Key: key, Body: body}, into)
	return err
}

// Control posts body to a path under /_local.
func (c *Client) Control(ctx context.Context, path string, body, into any) error {
	_, err := c.Do(ctx, Call{Method: http.MethodPost, Path: "/_local/" + path, Public: true, Body: body}, into)
	return err
}

// Edit changes the single thing at path, whatever its version is.
func (c *Client) Edit(ctx context.Context, path string, patch any) error {
	a, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path}, nil)
	if err != nil {
		return err
	}
	_, err = c.Do(ctx, Call{Method: http.MethodPatch, Path: path, IfMatch: a.Header.Get("ETag"), Body: patch}, nil)
	return err
}

// List reads a whole list, page after page. path may hold a query.
func List[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	u, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	q := u.Query()
	q.Set("limit", "200")
	var out []T
	for {
		u.RawQuery = q.Encode()
		var page struct {
			Items      []T
			NextCursor string
		}
		if err := c.Get(ctx, u.String(), &page); err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if page.NextCursor == "" {
			return out, nil
		}
		q.Set("cursor", page.NextCursor)
	}
}

// Fetch reads an address that was handed out, such as that of a PDF, without a token.
func (c *Client) Fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	// The address is signed for this very host, and a program that was started again serves on the same one.
	a, err := (&Client{Base: u.Scheme + "://" + u.Host, Patience: c.Patience}).Do(ctx, Call{Method: http.MethodGet, Path: u.RequestURI(), Public: true}, nil)
	return a.Body, err
}
