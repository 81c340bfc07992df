package api

import (
	"strings"
	"testing"
)

// Everything that a strict reader must refuse, with the field that the answer names (reliability.md D11, §3 row 20).
func TestWhatABodyMayNotSayIsToldFieldByField(t *testing.T) {
	s := open(t)
	const ok = `"name":"n","price":"1.00"`
	for body, want := range map[string]string{
		`{}`:                                "name:required price:required",
		``:                                  "name:required price:required",
		`[]`:                                ":type",
		`null`:                              ":type",
		`"text"`:                            ":type",
		`{"name":"n","price":"1","foo":1}`:  "foo:unknown",
		`{"Name":"n","price":"1"}`:          "Name:unknown name:required",
		`{"name":"n","PRICE":"1"}`:          "PRICE:unknown price:required",
		`{"name":"n","price":"1","name":1}`: "name:duplicate name:type",
		`{"n\u0061me":"n","price":"1","name":"m"}`:                "name:duplicate",
		`{"name":null,"price":"1"}`:                               "name:null",
		`{` + ok + `,"on":null}`:                                  "on:null",
		`{` + ok + `,"box":null}`:                                 "box:null",
		`{` + ok + `,"tags":null}`:                                "tags:null",
		`{` + ok + `,"tags":[null]}`:                              "tags[0]:null",
		`{` + ok + `,"weight":null}`:                              "weight:null",
		`{"name":"","price":"1"}`:                                 "name:length",
		`{"name":"n","price":1.5}`:                                "price:type",
		`{"name":"n","price":150}`:                                "price:type",
		`{"name":7,"price":true}`:                                 "name:type price:type",
		`{"name":"n","price":"1,50"}`:                             "price:format",
		`{"name":"n","price":"1e2"}`:                              "price:format",
		`{"name":"n","price":" 1"}`:                               "price:format",
		`{"name":"n","price":"+1"}`:                               "price:format",
		`{"name":"n","price":".5"}`:                               "price:format",
		`{"name":"n","price":"5."}`:                               "price:format",
		`{"name":"n","price":"١"}`:                                "price:format",
		`{` + ok + `,"weight":"200"}`:                             "weight:type",
		`{` + ok + `,"weight":1.0}`:                               "weight:type",
		`{` + ok + `,"weight":1e2}`:                               "weight:type",
		`{` + ok + `,"weight":9007199254740992}`:                  "weight:range",
		`{` + ok + `,"weight":99999999999999999999}`:              "weight:range",
		`{` + ok + `,"weight":-1}`:                                "weight:range",
		`{` + ok + `,"on":"2026-02-30"}`:                          "on:format",
		`{` + ok + `,"on":"2026-2-3"}`:                            "on:format",
		`{` + ok + `,"kind":"flat"}`:                              "kind:choice",
		`{` + ok + `,"tags":["a","b","c","d"]}`:                   "tags:length",
		`{` + ok + `,"tags":{}}`:                                  "tags:type",
		`{` + ok + `,"box":[]}`:                                   "box:type",
		`{` + ok + `,"box":{}}`:                                   "box.color:required",
		`{` + ok + `,"box":{"color":"green"}}`:                    "box.color:format",
		`{` + ok + `,"box":{"color":3}}`:                          "box.color:type",
		`{` + ok + `,"fragile":"true"}`:                           "fragile:type",
		`{` + ok + `,"fragile":1}`:                                "fragile:type",
		`{` + ok + `,"lines":[{"quantity":"1","unitPrice":150}]}`: "lines[0].unitPrice:type",
		`{` + ok + `,"lines":[{"quantity":"1","unitPrice":"1"},{"unitPrice":"x"}]}`:                            "lines[1].unitPrice:format lines[1].quantity:required",
		`{` + ok + `,"lines":[{"quantity":"1","unitPrice":"1","tax":{"category":"S","rate":19,"x":1}}]}`:       "lines[0].tax.rate:type lines[0].tax.x:unknown",
		`{` + ok + `,"lines":[{"quantity":"1","unitPrice":"1","tax":{"category":"S","rate":"1","rate":"2"}}]}`: "lines[0].tax.rate:duplicate",
		`{` + ok + `,"custom":{"a":1}}`:                                                             "custom.a:type",
		`{` + ok + `,"custom":{"a":"1","a":"2"}}`:                                                   "custom.a:duplicate",
		`{` + ok + `,"foo":{"a":1,"a":2}}`:                                                          "foo.a:duplicate foo:unknown",
		"{\"name\":\"n\xff\",\"price\":\"1\"}":                                                      "name:text",
		"{\"name\":\"\\n\xff\",\"price\":\"1\"}":                                                    "name:text",
		`{"name":"\ud800\u0041","price":"1"}`:                                                       "name:text",
		`{"name":"\ud800\uffff","price":"1"}`:                                                       "name:text",
		`{"name":"\ud83dx","price":"1"}`:                                                            "name:text",
		"{\"name\":\"n\",\"price\":\"1\",\"custom\":{\"k\xff\":\"1\"}}":                             "custom:text",
		`{"name":"\ud800","price":"1"}`:                                                             "name:text",
		`{"name":"\udc00\ud800","price":"1"}`:                                                       "name:text",
		`{` + ok + `,"custom":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40) + `}`: "custom" + strings.Repeat(".a", 32) + ":depth custom.a:type",
	} {
		r := s.call("POST", "/v1/widgets", body)
		if r.status != 422 || r.json["code"] != "invalid" {
			t.Errorf("%s: %d %s", body, r.status, r.body)
			continue
		}
		if got := r.fields(); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
		if strings.Contains(r.body, "body.") || strings.Contains(r.body, "api.") || strings.Contains(r.body, "Unmarshal") {
			t.Errorf("%s: not for people: %s", body, r.body)
		}
	}
	if s.deeds != 0 {
		t.Errorf("%d were done all the same", s.deeds)
	}
}

func TestWhatABodyMaySay(t *testing.T) {
	s := open(t)
	for i, body := range []string{
		`{"name":"a","price":"1"}`,
		` { "price" : "-0.10" , "name" : "\ud83d\ude00 \u00e9\n\"\\" } `,
		`{"name":"b","price":"1","weight":9007199254740991,"on":"2028-02-29","kind":"round","tags":[],"lines":[],"custom":{},"fragile":false}`,
		`{"name":"c","price":"1","weight":0,"box":{"color":"blue"},"custom":{"any key":"","ключ":"v"}}`,
		`{"name":"` + strings.Repeat("é", 40) + `","price":"1"}`,
	} {
		if r := s.call("POST", "/v1/widgets", body); r.status != 201 {
			t.Errorf("%d %s: %d %s", i, body, r.status, r.body)
		}
	}
	if w := s.widgets["wi_3"]; w.edit.Name != "😀 é\n\"\\" || w.edit.Price != "-0.10" {
		t.Errorf("read as %+v", w.edit)
	}
}

func TestMessagesAreSentencesAboutTheField(t *testing.T) {
	s := open(t)
	for body, want := range map[string]string{
		`{"name":"n","price":150}`:                    `price must be a decimal string such as "150.00", in quotes, not a number`,
		`{"name":"n","price":"1","weight":"2"}`:       `weight must be a whole number of minor units such as 11900, not a string`,
		`{"name":"n","Price":"1"}`:                    `Price is not known here; it is written price (and 1 more)`,
		`{"name":"n","price":"1","kind":"flat"}`:      `kind must be one of "round", "square"`,
		`{"name":"n","price":"1","on":"5.1.2026"}`:    `on must be a date such as "2026-03-31"`,
		`{"name":"n","price":"1","box":{"color":""}}`: `box.color: there is no color ""`,
		`[]`: `the body must be a JSON object`,
	} {
		if r := s.call("POST", "/v1/widgets", body); r.json["detail"] != want {
			t.Errorf("%s: %v, want %s", body, r.json["detail"], want)
		}
	}
}

func TestWhatIsNoJSONIsMalformed(t *testing.T) {
	s := open(t)
	for _, body := range []string{
		`{`, `{"name"}`, `{"name":"n",}`, `{'name':'n'}`, `{"name":01}`, `{} {}`, `{"name":NaN}`, "{\"name\":\"\x01\"}", "\xef\xbb\xbf{}", "nul",
	} {
		s.call("POST", "/v1/widgets", body).want(t, 400, "malformed")
	}
	const body = `{"name":"n","price":"1"}`
	for _, kind := range []string{"text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/json5", "application/merge-patch+json"} {
		s.call("POST", "/v1/widgets", body, "Content-Type", kind).want(t, 400, "malformed")
	}
	s.call("POST", "/v1/widgets", body, "Content-Encoding", "gzip").want(t, 400, "malformed")
	s.call("POST", "/v1/widgets", body, "Content-Type", "application/json; charset=UTF-8").want(t, 201, "")
}

func TestABodyOf256KilobytesIsReadAndOneByteMoreIsNot(t *testing.T) {
	s := open(t)
	body := `{"name":"n","price":"1"}`
	full := body + strings.Repeat(" ", maxBody-len(body))
	s.call("POST", "/v1/widgets", full).want(t, 201, "")
	s.call("POST", "/v1/widgets", full+" ").want(t, 413, "too_large")
}

func TestAHostileBodyIsAnsweredBriefly(t *testing.T) {
	s := open(t)
	r := s.call("POST", "/v1/widgets", `{"name":"n","price":"1","tags":[`+strings.Repeat(`1,`, 60000)+`1]}`).want(t, 422, "invalid")
	if n := len(r.json["errors"].([]any)); n != maxErrors {
		t.Errorf("%d errors", n)
	}
	r = s.call("POST", "/v1/widgets", `{"`+strings.Repeat("k", 200000)+`":1}`).want(t, 422, "invalid")
	if len(r.body) > 1000 {
		t.Errorf("%d bytes of answer", len(r.body))
	}
	s.call("POST", "/v1/widgets", strings.Repeat(`[`, 100000)).want(t, 400, "malformed")
	s.call("POST", "/v1/widgets", `{"name":`+strings.Repeat(`[`, 9000)+strings.Repeat(`]`, 9000)+`}`).want(t, 422, "invalid")
}

func TestADeedWithoutParticularsNeedsNoBody(t *testing.T) {
	s := open(t)
	s.call("POST", "/v1/widgets/wi_1/paint", "").want(t, 200, "")
	s.widgets["wi_1"].state = "new"
	s.call("POST", "/v1/widgets/wi_1/paint", "{}").want(t, 200, "")
	s.widgets["wi_1"].state = "new"
	r := s.call("POST", "/v1/widgets/wi_1/paint", `{"coats":10}`).want(t, 422, "invalid")
	if r.fields() != "coats:range" {
		t.Error(r.body)
	}
}
