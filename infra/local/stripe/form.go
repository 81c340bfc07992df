package stripe

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// form is a request's parameters, as Stripe writes them: nested names in brackets, list members by number, e.g.
// line_items[0][price_data][currency]. Lists may also be written with empty brackets.
type form struct{ values url.Values }

var bracket = regexp.MustCompile(`\[([^\[\]]*)\]`)

// shape writes a name with # for the place in a list, so that it can be compared with those an operation knows.
func shape(name string) string {
	return bracket.ReplaceAllStringFunc(name, func(b string) string {
		inner := b[1 : len(b)-1]
		if inner == "" {
			return "[#]"
		}
		if _, err := strconv.Atoi(inner); err == nil {
			return "[#]"
		}
		return b
	})
}

// check refuses parameters that the operation does not know or that are given twice. A known name that ends in
// [*] takes any one key, as metadata does.
func (f form) check(known []string) *apiError {
	for name, values := range f.values {
		if !knows(known, shape(name)) {
			return invalid("parameter_unknown", name, "Received unknown parameter: %s", name)
		}
		if len(values) > 1 && !strings.HasSuffix(name, "[]") {
			return invalid("parameter_invalid", name, "The parameter %s was given more than once.", name)
		}
	}
	return nil
}

func knows(known []string, name string) bool {
	for _, k := range known {
		if k == name {
			return true
		}
		prefix, any := strings.CutSuffix(k, "[*]")
		key, rest, closed := strings.Cut(strings.TrimPrefix(name, prefix+"["), "]")
		if any && strings.HasPrefix(name, prefix+"[") && closed && rest == "" && key != "" && key != "#" {
			return true
		}
	}
	return false
}

func (f form) text(name string) string { return f.values.Get(name) }

func (f form) has(name string) bool { return f.values.Has(name) }

// list reads name[0], name[1], … or name[].
func (f form) list(name string) []string {
	if v := f.values[name+"[]"]; len(v) > 0 {
		return v
	}
	var out []string
	for i := 0; f.has(name + "[" + strconv.Itoa(i) + "]"); i++ {
		out = append(out, f.text(name+"["+strconv.Itoa(i)+"]"))
	}
	return out
}

// pairs reads name[key], as of metadata, within Stripe's limits.
func (f form) pairs(name string) (map[string]string, *apiError) {
	out := map[string]string{}
	for k, v := range f.values {
		key, ok := strings.CutPrefix(k, name+"[")
		if !ok {
			continue
		}
		key = strings.TrimSuffix(key, "]")
		if len([]rune(key)) > 40 || len([]rune(v[0])) > 500 {
			return nil, invalid("", k, "Metadata keys can have up to 40 characters and values up to 500.")
		}
		if v[0] != "" {
			out[key] = v[0]
		}
	}
	if len(out) > 50 {
		return nil, invalid("", name, "Metadata can have up to 50 keys.")
	}
	return out, nil
}

func (f form) integer(name string) (int64, *apiError) {
	n, err := strconv.ParseInt(f.text(name), 10, 64)
	if err != nil {
		return 0, invalid("parameter_invalid_integer", name, "Invalid integer: %s", f.text(name))
	}
	return n, nil
}

// span is a range of instants, as in created[gte].
type span struct{ from, to int64 }

var spanNames = []string{"created", "created[gt]", "created[gte]", "created[lt]", "created[lte]"}

func (f form) span() (span, *apiError) {
	s := span{0, 1<<63 - 1}
	for _, name := range spanNames {
		if !f.has(name) {
			continue
		}
		n, err := f.integer(name)
		if err != nil {
			return s, err
		}
		switch name {
		case "created":
			s = span{n, n}
		case "created[gt]":
			s.from = n + 1
		case "created[gte]":
			s.from = n
		case "created[lt]":
			s.to = n - 1
		case "created[lte]":
			s.to = n
		}
	}
	return s, nil
}
