package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestReadAnswersTheThingWithItsTagAndVersion(t *testing.T) {
	s := open(t)
	r := s.call("GET", "/v1/widgets/wi_1", "").want(t, 200, "")
	if r.header.Get("ETag") != `"3.17"` || r.json["version"] != 3.0 {
		t.Errorf("tag %s, version %v", r.header.Get("ETag"), r.json["version"])
	}
	if r.header.Get("Cache-Control") != "private, no-cache" || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", r.header)
	}
	s.call("GET", "/v1/widgets/wi_9", "").want(t, 404, "not_found")
}

func TestWhoKnowsTheTagIsSpared(t *testing.T) {
	s := open(t)
	for _, tag := range []string{`"3.17"`, `W/"3.17"`, `"1.1", "3.17"`, "*"} {
		r := s.call("GET", "/v1/widgets/wi_1", "", "If-None-Match", tag).want(t, 304, "")
		if r.body != "" || r.header.Get("ETag") != `"3.17"` {
			t.Errorf("%s: body %q, tag %s", tag, r.body, r.header.Get("ETag"))
		}
	}
	// A deed moves seq without rev: what is shown may have changed.
	s.call("GET", "/v1/widgets/wi_1", "", "If-None-Match", `"3.16"`).want(t, 200, "")
}

func TestTagOfAThingWithADate(t *testing.T) {
	for want, tag := range map[string]Tag{
		`"3.17"`: {Rev: 3, Seq: 17}, `"3.17.2026-01-05"`: {Rev: 3, Seq: 17, Day: "2026-01-05"}, "": {}, `"1.0"`: {Rev: 1},
	} {
		if got := tag.ETag(); got != want {
			t.Errorf("%+v is %s, want %s", tag, got, want)
		}
	}
}

func TestListsArePagedAndWeaklyTagged(t *testing.T) {
	s := open(t)
	for i := 2; i <= 60; i++ {
		s.call("POST", "/v1/widgets", fmt.Sprintf(`{"name":"w%d","price":"1"}`, i)).want(t, 201, "")
	}
	first := s.call("GET", "/v1/widgets", "").want(t, 200, "")
	if n := len(first.json["items"].([]any)); n != 50 || first.json["nextCursor"] != "50" {
		t.Fatalf("%d items, cursor %v", n, first.json["nextCursor"])
	}
	all := s.call("GET", "/v1/widgets?limit=200", "").want(t, 200, "")
	if _, more := all.json["nextCursor"]; more {
		t.Error("the last page has a cursor")
	}
	tag := all.header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Fatalf("tag %s", tag)
	}
	s.call("GET", "/v1/widgets?limit=200", "", "If-None-Match", tag).want(t, 304, "")
	s.call("POST", "/v1/widgets/wi_7/paint", "").want(t, 200, "")
	s.call("GET", "/v1/widgets?limit=200", "", "If-None-Match", tag).want(t, 200, "")

	none := s.call("GET", "/v1/widgets?query=zzz", "").want(t, 200, "")
	if !strings.Contains(none.body, `"items":[]`) {
		t.Errorf("an empty list is %s", none.body)
	}
}

func TestParametersAreCheckedLikeFields(t *testing.T) {
	s := open(t)
	for query, want := range map[string]string{
		"limit=0": "limit:range", "limit=201": "limit:range", "limit=ten": "limit:type", "limit=1.0": "limit:type",
		"limit=": "limit:type", "limit=1&limit=2": "limit:duplicate", "limt=3": "limt:unknown", "Limit=3": "Limit:unknown",
		"state=new,old": "state[1]:choice", "full=yes": "full:type", "query=123456789012345678901": "query:length",
		"query=%ff": "query:text", "limit=0&full=1": "limit:range full:type", "limit=99999999999999999999": "limit:range",
	} {
		r := s.call("GET", "/v1/widgets?"+query, "").want(t, 422, "invalid")
		if got := r.fields(); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"limit=1", "limit=200", "state=new,painted", "state=new", "full=true", "query=", "cursor=abc"} {
		s.call("GET", "/v1/widgets?"+query, "").want(t, 200, "")
	}
	s.call("GET", "/v1/widgets?query=%zz", "").want(t, 400, "malformed")
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	s := open(t)
	r := s.call("HEAD", "/v1/widgets/wi_1", "").want(t, 200, "")
	if r.body != "" || r.header.Get("ETag") != `"3.17"` {
		t.Errorf("body %q, tag %s", r.body, r.header.Get("ETag"))
	}
}

func TestFilesAndRedirectsAreAnsweredRaw(t *testing.T) {
	s := open(t)
	r := s.call("GET", "/v1/widgets/wi_1/drawing", "").want(t, 200, "")
	if r.header.Get("Content-Type") != "image/x-widget" || r.body != "/wD+" {
		t.Errorf("%v %q", r.header, r.body)
	}
	r = s.call("GET", "/v1/widgets/wi_elsewhere/drawing", "").want(t, 302, "")
	if r.header.Get("Location") != "https://files.example/x" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", r.header)
	}
}

func TestTheDocumentIsServedAsItWasBuilt(t *testing.T) {
	s := open(t)
	s.role = ""
	r := s.call("GET", "/v1/openapi.json", "").want(t, 200, "")
	if r.body != string(openapi) || !json.Valid(openapi) {
		t.Error("not the embedded document")
	}
}
