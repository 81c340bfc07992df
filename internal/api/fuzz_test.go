package api

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"onebook/internal/fault"
)

// FuzzStrictBody reads any bytes with the strict reader and with a reference that shares no code with it: it walks
// encoding/json's tokens along the Go type by reflection. Both must say yes or no alike; what is accepted must come
// out as it went in, so that nothing was guessed, dropped or turned into zero.
func FuzzStrictBody(f *testing.F) {
	for _, seed := range []string{
		`{"name":"n","price":"1.00"}`, `{"name":"n","price":150}`, `{"name":null,"price":"1"}`, `{"Name":"n","price":"1"}`,
		`{"name":"n","price":"1","name":"m"}`, `{"name":"\ud800","price":"1"}`, `{"name":"n","price":"1","weight":1e2}`,
		`{"name":"n","price":"1","weight":9007199254740993}`, `{"name":"n","price":"1","custom":{"a":"1","a":"2"}}`,
		`{"name":"n","price":"1","lines":[{"quantity":"1","unitPrice":"2","tax":{"category":"S","rate":"19"}}],"box":{"color":"red"}}`,
		`{"name":"n","price":"1","on":"2026-02-29","kind":"round","tags":["x"],"fragile":true}`, `[[[[`, `{"a":{"b":[{"a":1,"a":1}]}}`,
		"{\"name\":\"\xff\",\"price\":\"1\"}", `{"name":"n","price":"1","box":{"color":"green"}}`, `{"name":"😀","price":"-0"}`,
	} {
		f.Add([]byte(seed))
	}
	shape := newRegistry().shape(reflect.TypeFor[edit]())
	f.Fuzz(func(t *testing.T, body []byte) { agree(t, shape, body) })
}

// TestStrictBodyAgreesWithTheReference makes bodies that are nearly right, which random bytes seldom are.
func TestStrictBodyAgreesWithTheReference(t *testing.T) {
	shape := newRegistry().shape(reflect.TypeFor[edit]())
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 50 {
			if agree(t, shape, []byte(nearly(t, reflect.TypeFor[edit](), ""))) {
				accepted++
			}
		}
	})
	if accepted == 0 {
		t.Error("not one body was accepted: the property shows nothing")
	}
}

// nearly writes a value of a type, wrong in one place of about forty.
func nearly(t *rapid.T, typ reflect.Type, tag reflect.StructTag) string {
	chance := rapid.IntRange(0, 39)
	if chance.Draw(t, "wrong") == 0 {
		return rapid.SampledFrom([]string{
			"null", "1", "1.0", "1e2", "-1", "true", `""`, `"x"`, `"1e2"`, `"\ud800"`, "{}", "[]", "[null]", `{"a":1,"a":1}`, "9007199254740992",
		}).Draw(t, "value")
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	list := func(open, end string, n int, each func(i int) string) string {
		parts := []string{}
		for i := range n {
			if s := each(i); s != "" {
				parts = append(parts, s)
			}
		}
		return open + strings.Join(parts, ",") + end
	}
	few := rapid.IntRange(0, 3)
	switch typ.Kind() {
	case reflect.Struct:
		return list("{", "}", typ.NumField(), func(i int) string {
			f := typ.Field(i)
			name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
			if opts != "" && chance.Draw(t, "left out") < 20 || opts == "" && chance.Draw(t, "forgotten") == 0 {
				return ""
			}
			one := `"` + name + `":` + nearly(t, f.Type, f.Tag)
			switch chance.Draw(t, "name") {
			case 0:
				return one + "," + one
			case 1:
				return strings.ToUpper(one)
			}
			return one
		})
	case reflect.Map:
		return list("{", "}", few.Draw(t, "members"), func(i int) string {
			return `"k` + strings.Repeat("k", i) + `":` + nearly(t, typ.Elem(), "")
		})
	case reflect.Slice:
		return list("[", "]", few.Draw(t, "elements"), func(int) string { return nearly(t, typ.Elem(), "") })
	case reflect.Int64:
		return rapid.SampledFrom([]string{"0", "7", "9007199254740991"}).Draw(t, "integer")
	case reflect.Bool:
		return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")
	}
	pool := []string{"x", "é 😀", `a\"\n`}
	switch {
	case typ == reflect.TypeFor[color]():
		pool = []string{"red", "blue"}
	case tag.Get("format") == "decimal":
		pool = []string{"1.00", "-0.5", "19"}
	case tag.Get("format") == "date":
		pool = []string{"2026-03-31", "2028-02-29"}
	case tag.Get("enum") != "":
		pool = []string{"round", "square"}
	}
	return `"` + rapid.SampledFrom(pool).Draw(t, "text") + `"`
}

// agree holds the strict reader against the reference, and reports whether both accept the body.
func agree(t interface{ Fatalf(string, ...any) }, shape *shape, body []byte) bool {
	want := reference(body)
	n, err := parse(body)
	if err == nil && n.kind != '{' {
		err = fault.Invalid
	}
	var got edit
	if err == nil {
		err = decode(n, shape, &got)
	}
	if (err == nil) != (want == "") {
		t.Fatalf("%q\nwe say %v\nthe reference says %q", body, err, want)
	}
	if err != nil {
		if fault.KindOf(err) != fault.Invalid && !strings.Contains(err.Error(), "JSON") {
			t.Fatalf("%q: %v is no answer for a client", body, err)
		}
		return false
	}
	out, err := json.Marshal(got)
	if err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	again, err := parse(out)
	if err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	// Go leaves out what is empty and optional; everything else must be there again.
	if a, b := string(again.write(nil)), string(trimmed(n).write(nil)); a != b {
		t.Fatalf("%q\nwent in as %s\ncame out as %s", body, b, a)
	}
	return true
}

// trimmed leaves out what omitempty leaves out: false, "" and empty lists and maps of optional members.
func trimmed(n *node) *node {
	out := &node{kind: n.kind, text: n.text}
	for i, kid := range n.kids {
		name := ""
		if n.kind == '{' {
			name = n.keys[i]
		}
		empty := kid.kind == 'f' || kid.kind == '"' && kid.text == "" || (kid.kind == '[' || kid.kind == '{') && len(kid.kids) == 0
		switch name {
		case "on", "kind", "tags", "lines", "custom", "fragile", "label":
			if empty {
				continue
			}
		}
		if n.kind == '{' {
			out.keys = append(out.keys, name)
		}
		if name == "custom" {
			out.kids = append(out.kids, kid)
			continue
		}
		out.kids = append(out.kids, trimmed(kid))
	}
	return out
}

// reference answers why a body is not an edit, empty when it is one.
func reference(body []byte) string {
	if !json.Valid(body) {
		return "syntax"
	}
	if !utf8.Valid(body) {
		return "utf-8"
	}
	if loneHalf(body) {
		return "surrogate"
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	why := refValue(dec, reflect.TypeFor[edit](), "", 0)
	if why == "" {
		if _, err := dec.Token(); err != io.EOF {
			return "more"
		}
	}
	return why
}

var pairs = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
var halves = regexp.MustCompile(`\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)

// loneHalf finds an escaped half of a pair after all whole pairs and escaped backslashes are taken away.
func loneHalf(body []byte) bool {
	b := bytes.ReplaceAll(body, []byte(`\\`), []byte("_"))
	return halves.Match(pairs.ReplaceAll(b, []byte("_")))
}

func refValue(dec *json.Decoder, t reflect.Type, tag reflect.StructTag, depth int) string {
	tok, err := dec.Token()
	if err != nil {
		return "end"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := tok.(type) {
	case json.Delim:
		if depth > maxDepth {
			return "depth"
		}
		if v == '[' {
			if t.Kind() != reflect.Slice {
				return "list"
			}
			n := 0
			for dec.More() {
				if why := refValue(dec, t.Elem(), "", depth+1); why != "" {
					return why
				}
				n++
			}
			if max := tag.Get("maxItems"); max != "" && n > 3 {
				return "items"
			}
			dec.Token()
			return ""
		}
		return refObject(dec, t, depth)
	case string:
		return refText(v, t, tag)
	case json.Number:
		if t.Kind() != reflect.Int64 || !regexp.MustCompile(`^-?\d+$`).MatchString(string(v)) {
			return "number"
		}
		if i, err := v.Int64(); err != nil || i > 1<<53-1 || i < 0 { // the only integer of an edit has minimum 0
			return "range"
		}
		return ""
	case bool:
		if t.Kind() != reflect.Bool {
			return "bool"
		}
		return ""
	}
	return "null"
}

func refObject(dec *json.Decoder, t reflect.Type, depth int) string {
	seen := map[string]bool{}
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return "end"
		}
		name := k.(string)
		if seen[name] {
			return "duplicate"
		}
		seen[name] = true
		if t.Kind() == reflect.Map {
			if why := refValue(dec, t.Elem(), "", depth+1); why != "" {
				return why
			}
			continue
		}
		if t.Kind() != reflect.Struct {
			return "object"
		}
		found := false
		for i := range t.NumField() {
			f := t.Field(i)
			if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
				found = true
				if why := refValue(dec, f.Type, f.Tag, depth+1); why != "" {
					return why
				}
			}
		}
		if !found {
			return "unknown"
		}
	}
	dec.Token()
	if t.Kind() == reflect.Map {
		return ""
	}
	if t.Kind() != reflect.Struct {
		return "object"
	}
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if opts == "" && !seen[name] {
			return "missing"
		}
	}
	return ""
}

var (
	refDecimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	refDate    = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)$`)
)

func refText(v string, t reflect.Type, tag reflect.StructTag) string {
	if t.Kind() != reflect.String {
		return "text"
	}
	n := utf8.RuneCountInString(v)
	switch {
	case t == reflect.TypeFor[color]() && v != "red" && v != "blue":
		return "color"
	case tag.Get("format") == "decimal" && !refDecimal.MatchString(v):
		return "decimal"
	case tag.Get("enum") != "" && v != "round" && v != "square":
		return "enum"
	case tag.Get("maxLength") != "" && (n > 40 || n < 1):
		return "length"
	case tag.Get("format") == "date":
		m := refDate.FindStringSubmatch(v)
		if m == nil {
			return "date"
		}
		two := func(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }
		y, mo, d := two(m[1][:2])*100+two(m[1][2:]), two(m[2]), two(m[3])
		days := []int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			days[2] = 29
		}
		if mo < 1 || mo > 12 || d < 1 || d > days[mo] {
			return "date"
		}
	}
	return ""
}

// FuzzRequest sends any path, header and body through the whole door: it must never fail from inside.
func FuzzRequest(f *testing.F) {
	f.Add("POST", "/v1/widgets", "limit=1", "k", `"3.17"`, "application/json", []byte(bodyA))
	f.Add("PATCH", "/v1/widgets/wi_1", "", "", `W/"3"`, "application/merge-patch+json", []byte(`{"box":null}`))
	f.Add("GET", "/v1/widgets/%2e%2e/x", "%zz", "\x00", "*", "text/plain; charset=", []byte("{"))
	f.Add("DELETE", "/v1/public/widgets/ref-a/wish", "a=1&a=2;b", "é", `"`, ";", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path, query, key, match, kind string, body []byte) {
		s := open(t)
		e := event("GET", "/", "", "owner")
		e.RequestContext.HTTP.Method, e.RawPath, e.RawQueryString, e.Body = method, path, query, string(body)
		e.Headers = map[string]string{"idempotency-key": key, "if-match": match, "if-none-match": match, "content-type": kind}
		out, err := s.serve(t.Context(), e)
		if err != nil || out.StatusCode == 500 || out.StatusCode < 200 {
			t.Fatalf("%d %v %s\n%s", out.StatusCode, err, out.Body, s.log.String())
		}
	})
}
