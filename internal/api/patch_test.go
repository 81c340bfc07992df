package api

import (
	"strings"
	"testing"

	"onebook/internal/fault"
)

func TestChangesNeedTheVersionThatWasRead(t *testing.T) {
	s := open(t)
	for _, c := range []struct{ method, body string }{{"PATCH", `{"name":"x"}`}, {"PUT", bodyA}, {"DELETE", ""}} {
		s.call(c.method, "/v1/widgets/wi_1", c.body).want(t, 428, "precondition_required")
		s.call(c.method, "/v1/widgets/wi_1", c.body, "If-Match", "*").want(t, 428, "precondition_required")
		s.call(c.method, "/v1/widgets/wi_1", c.body, "If-Match", `"3.17", "4.1"`).want(t, 400, "malformed")
		for _, tag := range []string{`"2.17"`, `"4"`, `"03.17"`, `"-3"`, `"x"`, `W/"d41d8cd98f00"`, `""`, `"3x.17"`, `"99999999999999999999"`} {
			r := s.call(c.method, "/v1/widgets/wi_1", c.body, "If-Match", tag).want(t, 412, "stale")
			now := r.json["current"].(map[string]any)
			if now["version"] != 3.0 || now["id"] != "wi_1" {
				t.Errorf("%s %s: current is %v", c.method, tag, now)
			}
		}
		s.call(c.method, "/v1/widgets/wi_9", c.body, "If-Match", `"3"`).want(t, 404, "not_found")
	}
	if s.deeds != 0 || s.widgets["wi_1"].rev != 3 {
		t.Errorf("%d deeds", s.deeds)
	}
}

func TestThePartBeforeTheDotCounts(t *testing.T) {
	for _, tag := range []string{`"3.17"`, `"3.999"`, `"3"`, `3`, `W/"3.17"`, `"3.17.2026-01-05"`} {
		s := open(t)
		r := s.call("PATCH", "/v1/widgets/wi_1", `{"name":"x"}`, "If-Match", tag).want(t, 200, "")
		if r.header.Get("ETag") != `"4.18"` || r.json["version"] != 4.0 {
			t.Errorf("%s: %s %s", tag, r.header.Get("ETag"), r.body)
		}
	}
}

func TestTheLaterOfTwoEditorsIsShownWhatTheFirstDid(t *testing.T) {
	s := open(t)
	raced := false
	s.before = func() { // the other editor comes between our reading and our writing
		if !raced {
			raced = true
			s.call("PATCH", "/v1/widgets/wi_1", `{"name":"theirs"}`, "If-Match", `"3.17"`).want(t, 200, "")
		}
	}
	r := s.call("PATCH", "/v1/widgets/wi_1", `{"name":"ours"}`, "If-Match", `"3.17"`).want(t, 412, "stale")
	now := r.json["current"].(map[string]any)
	if now["version"] != 4.0 || now["edit"].(map[string]any)["name"] != "theirs" {
		t.Errorf("current is %v", now)
	}
}

// What they send may make no sense any more; that it is late is what they must be told.
func TestALatePatchIsNotJudgedByWhatItWasNotMadeFor(t *testing.T) {
	s := open(t)
	s.call("PATCH", "/v1/widgets/wi_1", `{"box":null}`, "If-Match", `"3.17"`).want(t, 200, "")
	s.call("PATCH", "/v1/widgets/wi_1", `{"box":{"label":"x"}}`, "If-Match", `"3.17"`).want(t, 412, "stale")
}

func TestWhoRemovesOrActsTooLateIsShownWhatItIsNow(t *testing.T) {
	s := open(t)
	s.before = func() {
		s.before = nil
		s.call("PATCH", "/v1/widgets/wi_1", `{"name":"theirs"}`, "If-Match", `"3.17"`).want(t, 200, "")
	}
	r := s.call("DELETE", "/v1/widgets/wi_1", "", "If-Match", `"3.17"`).want(t, 412, "stale")
	if r.json["current"].(map[string]any)["version"] != 4.0 {
		t.Error(r.body)
	}
	s.wrong = fault.Stale.Errorf("it was changed")
	r = s.call("POST", "/v1/widgets/wi_1/paint", "", "If-Match", `"4.18"`).want(t, 412, "stale")
	if r.json["current"].(map[string]any)["version"] != 4.0 || r.json["detail"] != "it was changed" {
		t.Error(r.body)
	}
}

func TestADeedHonoursIfMatchWhenItIsSent(t *testing.T) {
	s := open(t)
	r := s.call("POST", "/v1/widgets/wi_1/paint", "", "If-Match", `"2.17"`).want(t, 412, "stale")
	if r.json["current"].(map[string]any)["version"] != 3.0 || s.deeds != 0 {
		t.Errorf("%s", r.body)
	}
	s.call("POST", "/v1/widgets/wi_1/paint", "", "If-Match", `"3.1"`).want(t, 200, "")
}

func TestAMergePatchKeepsWhatItLeavesOut(t *testing.T) {
	s := open(t)
	s.call("PATCH", "/v1/widgets/wi_1", `{"price":"2.00","weight":null,"box":{"label":null},"custom":{"k":null,"n":"1"},"tags":["b","c"]}`,
		"If-Match", `"3.17"`, "Content-Type", "application/merge-patch+json").want(t, 200, "")
	e := s.widgets["wi_1"].edit
	if e.Name != "first" || e.Price != "2.00" || e.Weight != nil || *e.Box != (box{Color: "red"}) ||
		len(e.Custom) != 1 || e.Custom["n"] != "1" || strings.Join(e.Tags, "") != "bc" {
		t.Errorf("stored %+v", e)
	}
	s.call("PATCH", "/v1/widgets/wi_1", `{"box":null,"tags":null}`, "If-Match", `"4"`).want(t, 200, "")
	if e := s.widgets["wi_1"].edit; e.Box != nil || e.Tags != nil || e.Name != "first" {
		t.Errorf("stored %+v", e)
	}
	s.call("PATCH", "/v1/widgets/wi_1", `{}`, "If-Match", `"5"`).want(t, 200, "")
}

func TestAMergePatchIsAsStrictAsABody(t *testing.T) {
	s := open(t)
	for body, want := range map[string]string{
		`{"foo":1}`:                    "foo:unknown",
		`{"foo":null}`:                 "foo:unknown",
		`{"id":"wi_2"}`:                "id:unknown",
		`{"name":null}`:                "name:null",
		`{"price":2}`:                  "price:type",
		`{"price":"1","price":"2"}`:    "price:duplicate",
		`{"Price":"1"}`:                "Price:unknown",
		`{"box":{"color":null}}`:       "box.color:null",
		`{"box":{"size":1}}`:           "box.size:unknown",
		`{"box":{"color":"green"}}`:    "box.color:format",
		`{"tags":[null]}`:              "tags[0]:null",
		`{"lines":[{"quantity":"1"}]}`: "lines[0].unitPrice:required",
		`{"lines":[{"quantity":"1","unitPrice":"1","tax":null}]}`: "lines[0].tax:null",
		`[]`: ":type",
	} {
		r := s.call("PATCH", "/v1/widgets/wi_1", body, "If-Match", `"3"`).want(t, 422, "invalid")
		if got := r.fields(); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	s.call("PATCH", "/v1/widgets/wi_1", `{"box":null}`, "If-Match", `"3"`).want(t, 200, "")
	r := s.call("PATCH", "/v1/widgets/wi_1", `{"box":{"label":"x"}}`, "If-Match", `"4"`).want(t, 422, "invalid")
	if r.fields() != "box.color:required" {
		t.Error(r.body)
	}
	if s.deeds != 1 {
		t.Errorf("%d deeds", s.deeds)
	}
}

// The table of RFC 7396, appendix A.
func TestMergePatchAsInItsRFC(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`}, {`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`}, {`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`}, {`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`}, {`{"a":"b"}`, `["c"]`, `["c"]`}, {`{"a":"foo"}`, `null`, `null`}, {`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`}, {`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`}, {`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		target, err := parse([]byte(c[0]))
		if err != nil {
			t.Fatal(err)
		}
		patch, err := parse([]byte(c[1]))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(merged(target, patch).write(nil)); got != c[2] {
			t.Errorf("%s with %s is %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestPutReplacesTheWhole(t *testing.T) {
	s := open(t)
	s.call("PUT", "/v1/widgets/wi_1", bodyA, "If-Match", `"3.17"`).want(t, 200, "")
	if e := s.widgets["wi_1"].edit; e.Name != "n" || e.Box != nil || e.Tags != nil {
		t.Errorf("stored %+v", e)
	}
}

func TestRemoveAnswersNothing(t *testing.T) {
	s := open(t)
	r := s.call("DELETE", "/v1/widgets/wi_1", "", "If-Match", `"3.17"`).want(t, 204, "")
	if r.body != "" || len(s.widgets) != 0 {
		t.Errorf("%q, %d left", r.body, len(s.widgets))
	}
	s.call("DELETE", "/v1/widgets/wi_1", "", "If-Match", `"3.17"`).want(t, 404, "not_found")
}
