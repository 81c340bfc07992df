package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"onebook/internal/fault"
)

func TestEveryKindOfFaultHasItsStatus(t *testing.T) {
	for _, c := range []struct {
		err       error
		status    int
		code      string
		retryable bool
	}{
		{fault.Invalid.Errorf("m"), 422, "invalid", false},
		{fault.Denied.Errorf("m"), 403, "denied", false},
		{fault.NotFound.Errorf("m"), 404, "not_found", false},
		{fault.Exists.Errorf("m"), 409, "exists", false},
		{fault.Exists.Errorf("m").Coded("slot_taken"), 409, "slot_taken", false},
		{fault.Stale.Errorf("m"), 412, "stale", false},
		{fault.Unready.Errorf("m"), 409, "unready", false},
		{fault.Busy.Errorf("m"), 503, "busy", true},
		{fault.Busy.Errorf("m").Coded(CodeTooMany), 429, "rate_limited", true},
		{fmt.Errorf("invoice in_1: %w", fault.Unready.Errorf("m")), 409, "unready", false},
		{context.DeadlineExceeded, 503, "busy", true},
		{fmt.Errorf("read: %w", context.Canceled), 503, "busy", true},
		{errors.New("m"), 500, "internal", false},
	} {
		s := open(t)
		s.wrong = c.err
		r := s.call("POST", "/v1/widgets/wi_1/paint", "").want(t, c.status, c.code)
		if r.header.Get("Content-Type") != "application/problem+json" || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %v", c.err, r.header)
		}
		if r.json["retryable"] != c.retryable || r.json["status"] != float64(c.status) || r.json["correlationId"] != "req-1" ||
			r.json["type"] != "about:blank" || r.json["title"] == "" {
			t.Errorf("%v: %s", c.err, r.body)
		}
		if c.retryable != (r.header.Get("Retry-After") != "") {
			t.Errorf("%v: Retry-After %q", c.err, r.header.Get("Retry-After"))
		}
	}
}

func TestAFaultBringsItsFieldsAndMembers(t *testing.T) {
	s := open(t)
	r := s.call("POST", "/v1/widgets", `{"name":"first","price":"1"}`).want(t, 409, "exists")
	if r.json["widgetId"] != "wi_1" {
		t.Error(r.body)
	}
	var fs fault.Fields
	fs.Add("lines[0].unitPrice", "range", "too dear")
	s.wrong = fs.Err()
	if r := s.call("POST", "/v1/widgets/wi_1/paint", "").want(t, 422, "invalid"); r.fields() != "lines[0].unitPrice:range" {
		t.Error(r.body)
	}
	// Members cannot pass themselves off as the problem's own.
	s.wrong = fault.Exists.Errorf("m").With("status", 200).With("code", "ok").With("b", "<&>").With("a", []int{1})
	r = s.call("POST", "/v1/widgets/wi_1/paint", "").want(t, 409, "exists")
	if !strings.HasSuffix(r.body, `,"a":[1],"b":"<&>"}`) {
		t.Error(r.body)
	}
	s.wrong = fault.Busy.Errorf("m").With("retryAfter", 30)
	if r := s.call("POST", "/v1/widgets/wi_1/paint", ""); r.header.Get("Retry-After") != "30" || r.json["retryAfter"] != nil {
		t.Errorf("%v %s", r.header, r.body)
	}
}

// Canaries in an internal error: none may reach the client, and none of a person's the log (reliability.md §3 rows 24, 25).
func TestWhatIsInternalIsLoggedOnceAndToldToNobody(t *testing.T) {
	s := open(t)
	s.wrong = errors.New("table arn:aws:dynamodb:eu:1:table/Main: item U#email#canary@person.example: token eyJhbGciOi.canary.sig, Bearer canary-token")
	r := s.call("POST", "/v1/widgets/wi_1/paint", `{"coats":3}`, "Authorization", "Bearer canary-header", "Idempotency-Key", "canary-key").want(t, 500, "internal")
	for _, leak := range []string{"canary", "arn:", "table", "item"} {
		if strings.Contains(r.body, leak) {
			t.Errorf("told %s: %s", leak, r.body)
		}
	}
	log := s.log.String()
	if strings.Count(log, "\n") != 1 {
		t.Errorf("logged %d times:\n%s", strings.Count(log, "\n"), log)
	}
	for _, want := range []string{`"route":"POST /v1/widgets/{id}/paint"`, `"correlationId":"req-1"`, "arn:aws:dynamodb"} {
		if !strings.Contains(log, want) {
			t.Errorf("not logged: %s in %s", want, log)
		}
	}
	for _, leak := range []string{"canary", "person.example", "wi_1", "coats"} {
		if strings.Contains(log, leak) {
			t.Errorf("logged %s: %s", leak, log)
		}
	}
}

func TestAReferenceIsNotLogged(t *testing.T) {
	s := open(t)
	s.role, s.wrong = "", errors.New("boom\n{\"level\":\"forged\"}")
	s.call("POST", "/v1/public/widgets/ref-a/wish", "").want(t, 500, "internal")
	if log := s.log.String(); strings.Contains(log, "ref-a") || strings.Count(log, "\n") != 1 {
		t.Errorf("logged %s", log)
	}
}

func TestAPanicIsAnsweredLikeAnyInternalFailure(t *testing.T) {
	s := open(t)
	s.before = func() { panic("canary@person.example fell over") }
	r := s.call("POST", "/v1/widgets/wi_1/paint", "").want(t, 500, "internal")
	if strings.Contains(r.body, "fell") || strings.Contains(r.body, "goroutine") {
		t.Error(r.body)
	}
	if log := s.log.String(); !strings.Contains(log, "fell over") || strings.Contains(log, "canary") || strings.Count(log, "\n") != 1 {
		t.Errorf("logged %s", log)
	}
	s.before = nil
	s.call("POST", "/v1/widgets/wi_1/paint", "").want(t, 200, "")
}

func TestOrdinaryFaultsAreNotLogged(t *testing.T) {
	s := open(t)
	s.call("GET", "/v1/widgets/wi_9", "").want(t, 404, "not_found")
	s.call("GET", "/v1/nowhere", "").want(t, 404, "not_found")
	s.call("POST", "/v1/widgets", "{").want(t, 400, "malformed")
	if s.log.Len() > 0 {
		t.Error(s.log.String())
	}
}

func TestUnknownAddressesAndMethodsAreProblemsToo(t *testing.T) {
	s := open(t)
	for _, path := range []string{
		"/", "", "/v1", "/v1/", "/v1/widgets/", "/v1/widgets//wi_1", "/v1/./widgets", "/v1/x/../widgets", "/V1/widgets",
		"/v1/widgets/wi_1/paint/now", "/v2/widgets", "/v1/widgets/%2e%2e/widgets", "//v1/widgets",
	} {
		s.call("GET", path, "").want(t, 404, "not_found")
	}
	r := s.call("DELETE", "/v1/widgets", "").want(t, 405, "method_not_allowed")
	if r.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("allow %q", r.header.Get("Allow"))
	}
	s.call("PUT", "/v1/widgets/wi_1/paint", "{}").want(t, 405, "method_not_allowed")
	s.call("TRACE", "/v1/widgets", "").want(t, 405, "method_not_allowed")
}
