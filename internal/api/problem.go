package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"sync"

	"onebook/internal/fault"
)

// CodeTooMany is the code of a fault.Busy that means "you ask too often": it is told as 429 and not as 503.
const CodeTooMany = "rate_limited"

// Problem is what a client is told of a failure (RFC 9457). Some problems carry further members, such as contactId
// with exists and current with stale.
type Problem struct {
	_             struct{}      `additionalProperties:"true"`
	Type          string        `json:"type" doc:"always about:blank; code says which problem it is"`
	Title         string        `json:"title" doc:"the status in words"`
	Status        int           `json:"status"`
	Code          string        `json:"code" doc:"stable, for programs"`
	Detail        string        `json:"detail" doc:"one sentence, for people"`
	Errors        []fault.Field `json:"errors,omitempty" doc:"every wrong field of the request"`
	Retryable     bool          `json:"retryable" doc:"the same request may succeed later"`
	CorrelationID string        `json:"correlationId,omitempty" doc:"names this request in our logs"`
	IssueID       string        `json:"issueId,omitempty"`
}

// refusal is a problem of the protocol rather than of the business.
type refusal struct {
	status int
	code   string
	detail string
	header map[string]string
}

func (e *refusal) Error() string { return e.detail }

func malformed(format string, args ...any) error {
	return &refusal{status: http.StatusBadRequest, code: "malformed", detail: fmt.Sprintf(format, args...)}
}

var (
	errNoRoute = &refusal{status: http.StatusNotFound, code: "not_found", detail: "there is nothing at this address"}
	errNobody  = &refusal{
		status: http.StatusUnauthorized, code: "unauthenticated", detail: "sign in: this needs a valid access token",
		header: map[string]string{"WWW-Authenticate": "Bearer"},
	}
	errUnguarded = &refusal{
		status: http.StatusPreconditionRequired, code: "precondition_required",
		detail: `this changes what others may be changing: send If-Match with the ETag that you read, such as "3.17"`,
	}
)

var statuses = map[fault.Kind]int{
	fault.Invalid:  http.StatusUnprocessableEntity,
	fault.Denied:   http.StatusForbidden,
	fault.NotFound: http.StatusNotFound,
	fault.Exists:   http.StatusConflict,
	fault.Stale:    http.StatusPreconditionFailed,
	fault.Unready:  http.StatusConflict,
	fault.Busy:     http.StatusServiceUnavailable,
}

// noLink is all that a stranger learns of a link or a page that is not there (api.md "Public").
const noLink = "there is nothing here: the link may have expired or been withdrawn"

// fail answers err as a problem, and logs what may not be shown.
func (x *exchange) fail(err error) {
	p := Problem{Type: "about:blank", CorrelationID: gatewayOf(x.r.Context()).request}
	var more map[string]any
	var ref *refusal
	var f *fault.Error
	var kind fault.Kind
	if !errors.As(err, &ref) && !errors.As(err, &f) && !errors.As(err, &kind) &&
		(errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		f = fault.Busy.Errorf("this took too long; try again in a moment")
	}
	if f == nil && kind != 0 {
		f = kind.Errorf("%s", http.StatusText(statuses[kind]))
	}
	switch {
	case ref != nil:
		p.Status, p.Code, p.Detail = ref.status, ref.code, ref.detail
		for k, v := range ref.header {
			x.w.Header().Set(k, v)
		}
	case f != nil && statuses[f.Kind] != 0:
		p.Status, p.Code, p.Detail, p.Errors, more = statuses[f.Kind], f.Code, f.Message, f.Fields, f.Data
		if f.Kind == fault.NotFound && x.route.op.Public {
			p.Code, p.Detail, more = fault.NotFound.Error(), noLink, nil
		}
		if f.Kind == fault.Busy {
			p.Retryable = true
			if f.Code == CodeTooMany {
				p.Status = http.StatusTooManyRequests
			}
			x.w.Header().Set("Retry-After", retryAfter(f.Data))
		}
		if f.Kind == fault.Denied && x.by.ID != "" && x.api.Denied != nil {
			x.api.Denied(x.r.Context(), x.by, x.route.name)
		}
	default:
		p.Status, p.Code, p.Detail = http.StatusInternalServerError, "internal", "something went wrong on our side"
		x.log("request failed", slog.String("error", veil(err.Error())))
	}
	p.Title = http.StatusText(p.Status)
	x.problem(p, more)
}

func (x *exchange) problem(p Problem, more map[string]any) {
	body, err := json.Marshal(p)
	if err != nil {
		x.log("problem not written", slog.String("error", err.Error()))
		x.w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if len(more) > 0 {
		known := map[string]json.RawMessage{}
		extra := map[string]any{}
		if json.Unmarshal(body, &known) == nil {
			for k, v := range more {
				if _, taken := known[k]; !taken && k != "retryAfter" {
					extra[k] = v
				}
			}
		}
		if add, err := marshal(extra); err != nil {
			x.log("members of a problem not written", slog.String("error", veil(err.Error())))
		} else if len(extra) > 0 {
			body = append(append(body[:len(body)-1], ','), add[1:]...)
		}
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	x.w.WriteHeader(p.Status)
	x.w.Write(body)
}

// retryAfter is the header's value in whole seconds: what the fault asks for, else two.
func retryAfter(data map[string]any) string {
	if n, ok := data["retryAfter"].(int); ok && n > 0 {
		return strconv.Itoa(n)
	}
	return "2"
}

// recover is the last resort: a panic is told as any other internal failure.
func (x *exchange) recover() {
	v := recover()
	if v == nil {
		return
	}
	x.log("panic", slog.String("error", veil(fmt.Sprint(v))), slog.String("stack", string(debug.Stack())))
	x.problem(Problem{
		Type: "about:blank", Title: http.StatusText(http.StatusInternalServerError), Status: http.StatusInternalServerError,
		Code: "internal", Detail: "something went wrong on our side", CorrelationID: gatewayOf(x.r.Context()).request,
	}, nil)
}

func (x *exchange) log(msg string, attrs ...slog.Attr) {
	l := x.api.Log
	if l == nil {
		l = slog.Default()
	}
	// The route and never the path: paths hold the references of links.
	attrs = append([]slog.Attr{
		slog.String("route", x.route.name), slog.String("correlationId", gatewayOf(x.r.Context()).request),
	}, attrs...)
	l.LogAttrs(x.r.Context(), slog.LevelError, msg, attrs...)
}

var personal = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[^\s"'<>()\[\]{},;:#=]+@[^\s"'<>()\[\]{},;:#=]+|eyJ[\w-]+\.[\w.-]+|(?i:bearer)\s+\S+`)
})

// veil hides what looks like an e-mail address or a token in a text meant for the log, which names no person.
func veil(s string) string { return personal().ReplaceAllString(s, "[hidden]") }

// printable keeps a stranger's text short and whole in a message.
func printable(s string) string {
	r := []rune(s)
	if len(r) > 60 {
		r = append(r[:60:60], '…')
	}
	return string(r)
}
