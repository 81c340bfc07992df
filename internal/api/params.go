package api

import (
	"encoding"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"onebook/internal/fault"
)

// param is one parameter of a route: a field of its parameter struct with the tag path, query or header. A field
// may be a string, bool, int, list of strings (parted by commas) or any type that reads text; further tags are
// those of huma (doc, enum, minimum, maximum, maxLength, pattern, format, default, required).
type param struct {
	in, name string
	index    []int
	def      string
	required bool
	schema   *huma.Schema
	shape    *shape
}

// paramsOf finds the parameters of a struct, embedded ones included.
func paramsOf(g *registry, t reflect.Type) []param {
	var out []param
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		for _, in := range []string{"path", "query", "header"} {
			name := f.Tag.Get(in)
			if name == "" {
				continue
			}
			p := param{in: in, name: name, index: f.Index, def: f.Tag.Get("default")}
			p.required = in == "path" || f.Tag.Get("required") == "true"
			p.schema, p.shape = g.field(f)
			out = append(out, p)
		}
	}
	return out
}

// bind fills the parameters of a request. Query parameters that the route does not know, or that come twice, are
// refused like the fields of a body.
func bind(r *http.Request, ps []param, into reflect.Value) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return malformed("the query of the address cannot be read")
	}
	var fs fault.Fields
	for _, p := range ps {
		at := &place{name: p.name}
		text, given := "", false
		switch p.in {
		case "path":
			text, given = r.PathValue(p.name), true
		case "header":
			text = r.Header.Get(p.name)
			given = text != ""
		case "query":
			if vs, ok := query[p.name]; ok {
				text, given = vs[0], true
				if len(vs) > 1 {
					note(&fs, at, "duplicate", "is given more than once")
					delete(query, p.name)
					continue
				}
			}
			delete(query, p.name)
		}
		if !given {
			if text = p.def; text == "" {
				if p.required {
					note(&fs, at, "required", "must be given")
				}
				continue
			}
		}
		n := p.node(text)
		before := len(fs)
		n.lint(at, &fs)
		p.shape.check(n, at, &fs, false)
		if len(fs) == before {
			if err := p.set(into.FieldByIndex(p.index), text); err != nil {
				note(&fs, at, "format", "must be "+p.shape.words())
			}
		}
	}
	for name := range query {
		note(&fs, &place{name: name}, "unknown", "is not known here")
	}
	return fs.Err()
}

// node reads a parameter as if it stood in a body, so that it is checked in the same words.
func (p *param) node(text string) *node {
	str := func(s string) *node { return &node{kind: '"', text: s, bad: !utf8.ValidString(s)} }
	switch p.shape.kind {
	case "integer", "number":
		if digits(strings.TrimPrefix(text, "-")) {
			return &node{kind: '0', text: text}
		}
	case "boolean":
		if text == "true" || text == "false" {
			return &node{kind: text[0]}
		}
	case "array":
		n := &node{kind: '['}
		for _, s := range strings.Split(text, ",") {
			n.kids = append(n.kids, str(s))
		}
		return n
	}
	return str(text)
}

func (p *param) set(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return err
		}
		v.SetInt(n)
	case reflect.Slice:
		list := reflect.MakeSlice(v.Type(), 0, 4)
		for _, s := range strings.Split(text, ",") {
			list = reflect.Append(list, reflect.ValueOf(s).Convert(v.Type().Elem()))
		}
		v.Set(list)
	default:
		return fault.Invalid
	}
	return nil
}
