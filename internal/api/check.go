package api

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"onebook/internal/fault"
)

// maxInteger is the largest whole number that every client can hold (reliability.md D11): 2^53 − 1.
const maxInteger = 1<<53 - 1

// check notes every place where a value differs from its shape. As a patch (RFC 7396) members may be left out, and
// null removes one; inside an array values are always whole.
func (s *shape) check(n *node, at *place, fs *fault.Fields, patch bool) {
	if n.deep {
		return
	}
	if n.kind == 'n' {
		if !s.nullable && s.kind != "" {
			note(fs, at, "null", "must not be null; leave it out instead")
		}
		return
	}
	ok := true
	switch s.kind {
	case "string":
		ok = s.text(n, at, fs)
	case "integer", "number":
		ok = s.number(n, at, fs)
	case "boolean":
		if ok = n.kind == 't' || n.kind == 'f'; !ok {
			note(fs, at, "type", "must be true or false")
		}
	case "array":
		ok = s.list(n, at, fs)
	case "object":
		ok = s.object(n, at, fs, patch)
	}
	// What a type reads by itself is tried last, and never on a patch, which need not be whole.
	if ok && s.reads != nil && (!patch || s.kind != "object") && !n.bad {
		if err := read(s.reads, n); err != nil {
			s.unreadable(err, at, fs)
		}
	}
}

func read(t reflect.Type, n *node) error {
	v := reflect.New(t).Interface()
	if j, ok := v.(json.Unmarshaler); ok {
		return j.UnmarshalJSON(n.write(nil))
	}
	if n.kind != '"' {
		return errors.New("text is needed")
	}
	return v.(encoding.TextUnmarshaler).UnmarshalText([]byte(n.text))
}

func (s *shape) unreadable(err error, at *place, fs *fault.Fields) {
	var f *fault.Error
	switch {
	case !errors.As(err, &f) || f.Kind != fault.Invalid:
		note(fs, at, "format", "must be "+s.words())
	case len(f.Fields) > 0:
		for _, x := range f.Fields {
			path := at.String()
			if x.Field != "" {
				path = strings.TrimPrefix(path+"."+x.Field, ".")
			}
			if len(*fs) < maxErrors {
				*fs = append(*fs, fault.Field{Field: path, Code: x.Code, Message: x.Message})
			}
		}
	default:
		code := f.Code
		if code == fault.Invalid.Error() {
			code = "format"
		}
		if len(*fs) < maxErrors {
			fs.Add(at.String(), code, "%s: %s", at.subject(), f.Message)
		}
	}
}

// words says what a value should be, by example.
func (s *shape) words() string {
	switch s.format {
	case "decimal":
		return `a decimal string such as "150.00"`
	case "date":
		return `a date such as "2026-03-31"`
	case "date-time":
		return `a time such as "2026-01-05T09:00:00Z"`
	case "currency":
		return `a currency code such as "EUR"`
	case "minor":
		return "a whole number of minor units such as 11900"
	}
	switch s.kind {
	case "string":
		return "a string"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "an object"
	}
	return "something else"
}

func (s *shape) text(n *node, at *place, fs *fault.Fields) bool {
	if n.kind != '"' {
		words := "must be " + s.words()
		if n.kind == '0' {
			words += ", in quotes, not a number"
		}
		note(fs, at, "type", words)
		return false
	}
	if n.bad {
		return false
	}
	switch {
	case s.format == "decimal" && !isDecimal(n.text), s.format == "date" && !isDate(n.text),
		s.format == "date-time" && !isTime(n.text), s.format == "currency" && !isCurrency(n.text):
		note(fs, at, "format", "must be "+s.words())
	case len(s.enum) > 0 && !slices.Contains(s.enum, n.text):
		note(fs, at, "choice", "must be "+choices(s.enum))
	case s.minLen != nil && utf8.RuneCountInString(n.text) < *s.minLen:
		if *s.minLen == 1 {
			note(fs, at, "length", "must not be empty")
			break
		}
		note(fs, at, "length", fmt.Sprintf("must have at least %d characters", *s.minLen))
	case s.maxLen != nil && utf8.RuneCountInString(n.text) > *s.maxLen:
		note(fs, at, "length", fmt.Sprintf("must have at most %d characters", *s.maxLen))
	case s.pattern != nil && !s.pattern.MatchString(n.text):
		words := "has a form that is not allowed here"
		if s.patternWords != "" {
			words = "must be " + s.patternWords
		}
		note(fs, at, "format", words)
	default:
		return true
	}
	return false
}

func choices(words []string) string {
	if len(words) == 1 {
		return `"` + words[0] + `"`
	}
	return `one of "` + strings.Join(words, `", "`) + `"`
}

func (s *shape) number(n *node, at *place, fs *fault.Fields) bool {
	if n.kind != '0' {
		words := "must be " + s.words()
		if n.kind == '"' {
			words += ", not a string"
		}
		note(fs, at, "type", words)
		return false
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if s.kind == "integer" {
		// 1.0 and 1e2 are numbers but not how a whole number is written; a reader that takes one of them and not
		// the other is how money gets lost.
		if strings.ContainsAny(n.text, ".eE") {
			note(fs, at, "type", "must be "+s.words()+", written without fraction or exponent")
			return false
		}
		limit := float64(maxInteger)
		if s.bits > 0 {
			limit = math.Ldexp(1, s.bits-1) - 1
		}
		if math.Abs(f) > limit {
			note(fs, at, "range", fmt.Sprintf("must be between %.0f and %.0f", -limit, limit))
			return false
		}
	}
	switch {
	case err != nil:
		note(fs, at, "range", "is too large")
	case s.min != nil && f < *s.min:
		note(fs, at, "range", "must be at least "+strconv.FormatFloat(*s.min, 'f', -1, 64))
	case s.max != nil && f > *s.max:
		note(fs, at, "range", "must be at most "+strconv.FormatFloat(*s.max, 'f', -1, 64))
	default:
		return true
	}
	return false
}

func (s *shape) list(n *node, at *place, fs *fault.Fields) bool {
	if n.kind != '[' {
		note(fs, at, "type", "must be a list")
		return false
	}
	switch {
	case s.minList != nil && len(n.kids) < *s.minList:
		note(fs, at, "length", fmt.Sprintf("must have at least %s", entries(*s.minList)))
	case s.maxList != nil && len(n.kids) > *s.maxList:
		note(fs, at, "length", fmt.Sprintf("must have at most %s", entries(*s.maxList)))
	}
	before := len(*fs)
	for i, kid := range n.kids {
		if s.items != nil {
			s.items.check(kid, &place{in: at, index: i}, fs, false)
		}
	}
	return len(*fs) == before
}

func entries(n int) string {
	if n == 1 {
		return "one entry"
	}
	return strconv.Itoa(n) + " entries"
}

func (s *shape) object(n *node, at *place, fs *fault.Fields, patch bool) bool {
	if n.kind != '{' {
		note(fs, at, "type", "must be an object")
		return false
	}
	before := len(*fs)
	for i, k := range n.keys {
		in := &place{in: at, name: k}
		p, known := s.props[k]
		switch {
		case known && patch && n.kids[i].kind == 'n':
			if slices.Contains(s.required, k) {
				note(fs, in, "null", "cannot be removed")
			}
		case known:
			p.check(n.kids[i], in, fs, patch)
		case s.values != nil:
			if !patch || n.kids[i].kind != 'n' {
				s.values.check(n.kids[i], in, fs, patch)
			}
		case !s.open:
			note(fs, in, "unknown", "is not known here"+s.like(k))
		}
	}
	if !patch {
		for _, k := range s.required {
			if n.get(k) == nil {
				note(fs, &place{in: at, name: k}, "required", "must be given")
			}
		}
	}
	return len(*fs) == before
}

// like suggests the member that was probably meant.
func (s *shape) like(name string) string {
	for k := range s.props {
		if strings.EqualFold(k, name) {
			return "; it is written " + k
		}
	}
	return ""
}

func isDecimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, frac, dot := strings.Cut(s, ".")
	return digits(whole) && (!dot || digits(frac))
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func isDate(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }

func isTime(s string) bool { return new(time.Time).UnmarshalText([]byte(s)) == nil }

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
