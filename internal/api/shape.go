package api

import (
	"encoding"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// shape is a schema made ready for checking: references resolved, patterns compiled, and for every value whose Go
// type reads its own text, that type. It never changes once made.
type shape struct {
	kind     string // as in the schema: string, integer, number, boolean, array, object; empty is anything
	format   string
	nullable bool

	props    map[string]*shape
	required []string
	open     bool   // further members may stand here
	values   *shape // of the further members, nil is anything
	items    *shape

	enum             []string
	min, max         *float64
	minLen, maxLen   *int
	minList, maxList *int
	pattern          *regexp.Regexp
	patternWords     string

	reads reflect.Type // implements encoding.TextUnmarshaler or json.Unmarshaler
	bits  int          // of the Go integer; 0 is 64
}

var (
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonType = reflect.TypeFor[json.Unmarshaler]()
)

// compiler makes shapes of one registry. Its cache ends recursion.
type compiler struct {
	reg  huma.Registry
	done map[string]*shape
}

// of makes the shape of a Go type with its schema: the schema says what is allowed, the type how it is read.
func (c *compiler) of(t reflect.Type, s *huma.Schema) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s.Ref == "" {
		sh := &shape{}
		c.fill(sh, t, s)
		return sh
	}
	if sh, ok := c.done[s.Ref]; ok {
		return sh
	}
	sh := &shape{}
	c.done[s.Ref] = sh
	c.fill(sh, t, c.reg.SchemaFromRef(s.Ref))
	return sh
}

func (c *compiler) fill(sh *shape, t reflect.Type, s *huma.Schema) {
	sh.kind, sh.format, sh.nullable = s.Type, s.Format, s.Nullable
	sh.min, sh.max = s.Minimum, s.Maximum
	sh.minLen, sh.maxLen, sh.minList, sh.maxList = s.MinLength, s.MaxLength, s.MinItems, s.MaxItems
	if s.Pattern != "" {
		sh.pattern, sh.patternWords = regexp.MustCompile(s.Pattern), s.PatternDescription
	}
	for _, e := range s.Enum {
		if w, ok := e.(string); ok {
			sh.enum = append(sh.enum, w)
		} else if v := reflect.ValueOf(e); v.Kind() == reflect.String {
			sh.enum = append(sh.enum, v.String())
		}
	}
	if p := reflect.PointerTo(t); p.Implements(textType) || p.Implements(jsonType) {
		sh.reads = t
	}
	switch t.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		sh.bits = t.Bits()
	}
	if s.Items != nil {
		elem := t
		if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
			elem = t.Elem()
		}
		sh.items = c.of(elem, s.Items)
	}
	if s.Type != huma.TypeObject {
		return
	}
	switch v := s.AdditionalProperties.(type) {
	case bool:
		sh.open = v
	case *huma.Schema:
		sh.open = true
		if t.Kind() == reflect.Map {
			sh.values = c.of(t.Elem(), v)
		}
	}
	sh.required = s.Required
	sh.props = make(map[string]*shape, len(s.Properties))
	fields := fieldTypes(t)
	for name, p := range s.Properties {
		ft, ok := fields[name]
		if !ok {
			ft = reflect.TypeFor[any]()
		}
		sh.props[name] = c.of(ft, p)
	}
}

// fieldTypes answers the types of a struct's JSON members by their names.
func fieldTypes(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return out
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		out[name] = f.Type
	}
	return out
}
