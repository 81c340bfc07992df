package api

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// The authorizer has checked signature and expiry. What it lets through beside access tokens of our clients must
// still find a closed door (reliability.md A3).
func TestOnlyAccessTokensOfOurClientsAreLetIn(t *testing.T) {
	s := open(t)
	for name, change := range map[string]func(map[string]string){
		"an ID token":          func(c map[string]string) { c["token_use"] = "id"; c["aud"] = "app" },
		"no use":               func(c map[string]string) { delete(c, "token_use") },
		"a refresh token":      func(c map[string]string) { c["token_use"] = "refresh" },
		"another client":       func(c map[string]string) { c["client_id"] = "other" },
		"no client":            func(c map[string]string) { delete(c, "client_id") },
		"client in the wrong":  func(c map[string]string) { c["aud"] = c["client_id"]; delete(c, "client_id") },
		"client by its prefix": func(c map[string]string) { c["client_id"] = "ap" },
		"client in other case": func(c map[string]string) { c["client_id"] = "APP" },
		"another issuer":       func(c map[string]string) { c["iss"] = "https://issuer.example/pool2" },
		"no issuer":            func(c map[string]string) { delete(c, "iss") },
		"issuer with a slash":  func(c map[string]string) { c["iss"] += "/" },
		"no subject":           func(c map[string]string) { delete(c, "sub") },
		"empty subject":        func(c map[string]string) { c["sub"] = "" },
		"no claims":            func(c map[string]string) { clear(c) },
		"use in other case":    func(c map[string]string) { c["token_use"] = "Access" },
	} {
		e := event("GET", "/v1/widgets/wi_1", "", "owner")
		change(e.RequestContext.Authorizer.JWT.Claims)
		if r := s.send(e); r.status != 401 || r.json["code"] != "unauthenticated" || r.header.Get("Www-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %s %v", name, r.status, r.body, r.header)
		}
	}
	e := event("GET", "/v1/widgets/wi_1", "", "")
	s.send(e).want(t, 401, "unauthenticated")
	e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{}
	s.send(e).want(t, 401, "unauthenticated")
	// A token in the header that no authorizer has looked at is nothing.
	s.role = ""
	s.call("GET", "/v1/widgets/wi_1", "", "Authorization", "Bearer x").want(t, 401, "unauthenticated")

	e = event("GET", "/v1/widgets/wi_1", "", "owner")
	e.RequestContext.Authorizer.JWT.Claims["client_id"] = "cli"
	s.send(e).want(t, 200, "")
}

func TestAnAPIThatKnowsNoIssuerOrMembersLetsNobodyIn(t *testing.T) {
	for name, spoil := range map[string]func(*API){
		"issuer":  func(a *API) { a.Issuer = "" },
		"clients": func(a *API) { a.Clients = nil },
		"members": func(a *API) { a.Members = nil },
		// what an unset variable of the environment comes to
		"name of a client": func(a *API) { a.Clients = []string{""} },
	} {
		s := open(t)
		a := s.api()
		spoil(a)
		s.serve = Handler(a)
		e := event("GET", "/v1/widgets/wi_1", "", "owner")
		if name == "issuer" {
			e.RequestContext.Authorizer.JWT.Claims["iss"] = ""
		}
		if name == "clients" || name == "name of a client" {
			e.RequestContext.Authorizer.JWT.Claims["client_id"] = ""
		}
		if r := s.send(e); r.status != 401 {
			t.Errorf("without %s: %d", name, r.status)
		}
	}
}

func TestARemovedMemberIsDeniedAndThatIsAudited(t *testing.T) {
	s := open(t)
	for _, role := range []string{"gone"} {
		s.role = role
		s.call("GET", "/v1/widgets/wi_1", "").want(t, 403, "denied")
	}
	e := event("POST", "/v1/widgets", `{"name":"x","price":"1"}`, "owner")
	e.RequestContext.Authorizer.JWT.Claims["sub"] = "stranger"
	s.send(e).want(t, 403, "denied")
	if got := strings.Join(s.refused, "|"); got != "sub-gone GET /v1/widgets/{id}|stranger POST /v1/widgets" {
		t.Errorf("audited: %s", got)
	}
	s.role = "slow"
	if r := s.call("GET", "/v1/widgets/wi_1", "").want(t, 503, "busy"); r.header.Get("Retry-After") != "2" || r.json["retryable"] != true {
		t.Errorf("%v %s", r.header, r.body)
	}
}

func TestADeniedAttemptIsAuditedWithItsRoute(t *testing.T) {
	s := open(t)
	s.role = "viewer"
	s.call("POST", "/v1/widgets/wi_1/paint", "").want(t, 403, "denied")
	if len(s.refused) != 1 || s.refused[0] != "me_viewer POST /v1/widgets/{id}/paint" || s.deeds != 0 {
		t.Errorf("audited %v, done %d", s.refused, s.deeds)
	}
}

func TestTheActorIsTheLiveMember(t *testing.T) {
	s := open(t)
	s.role = "billing"
	// Roles that a client claims for itself count for nothing.
	s.call("POST", "/v1/widgets/wi_1/paint", "", "X-Role", "owner").want(t, 200, "")
	if by := s.seen[0]; by.Kind != "member" || by.ID != "me_billing" || by.Role != "billing" || by.Once != nil {
		t.Errorf("actor %+v", by)
	}
}

func TestALinkIsItsOwnActor(t *testing.T) {
	s := open(t)
	s.role = ""
	r := s.call("GET", "/v1/public/widgets/ref-a", "").want(t, 200, "")
	if r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("public answers may be kept: %v", r.header)
	}
	s.call("POST", "/v1/public/widgets/ref-a/wish", "").want(t, 200, "")
	if by := s.seen[0]; by.Kind != "client" || by.ID != "li_1" || by.Role != "" {
		t.Errorf("actor %+v", by)
	}
	// A member's token gives no more on a public route than the link does.
	s.role = "owner"
	s.call("POST", "/v1/public/widgets/ref-b/wish", "").want(t, 200, "")
	if by := s.seen[1]; by.ID != "li_1" {
		t.Errorf("actor %+v", by)
	}
}

func TestALinkThatDoesNotWorkSaysNothingElse(t *testing.T) {
	s := open(t)
	s.role = ""
	bad := s.call("GET", "/v1/public/widgets/guess", "").want(t, 404, "not_found")
	delete(s.widgets, "wi_1")
	gone := s.call("GET", "/v1/public/widgets/ref-a", "").want(t, 404, "not_found")
	if bad.body != gone.body || strings.Contains(bad.body, "guess") {
		t.Errorf("told apart:\n%s\n%s", bad.body, gone.body)
	}
}

func TestOnlyTheSiteReachesUsWhenItHasASecret(t *testing.T) {
	s := open(t)
	a := s.api()
	a.Origins = []string{"new-secret", "old-secret", ""}
	s.serve = Handler(a)
	for value, status := range map[string]int{"new-secret": 200, "old-secret": 200, "": 403, "new-secre": 403, "other": 403} {
		if r := s.call("GET", "/v1/widgets/wi_1", "", "X-Origin-Secret", value); r.status != status {
			t.Errorf("%q: %d, want %d", value, r.status, status)
		}
	}
	if r := s.call("GET", "/v1/widgets/wi_1", ""); r.status != 403 {
		t.Errorf("without: %d", r.status)
	}
}

// Only who signed in within the last five minutes counts as fresh, by the machine's clock; without a clock or a time, nobody.
func TestASignInIsFreshForFiveMinutes(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	a := &API{Machine: func() time.Time { return now }}
	for at, want := range map[string]bool{
		"1800000000": true, "1799999700": true, "1799999699": false, "1800000060": true, "1800000061": false, "": false, "now": false, "1.8e9": false,
	} {
		if got := a.fresh(at); got != want {
			t.Errorf("auth_time %q: %v", at, got)
		}
	}
	if new(API).fresh("1800000000") {
		t.Error("without a clock it is fresh")
	}
}
