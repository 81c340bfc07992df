package api

import (
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"onebook/internal/civil"
	"onebook/internal/money"
)

// registry keeps the schemas of the Go types that routes name, and their shapes. Routes ask for theirs on their
// first request, possibly at the same time.
type registry struct {
	mu     sync.Mutex
	huma   huma.Registry
	shapes compiler
}

// An absent list is an empty one: null is never written and never accepted.
var noNullLists = sync.OnceFunc(func() { huma.DefaultArrayNullable = false })

func newRegistry() *registry {
	noNullLists()
	h := huma.NewMapRegistry("#/components/schemas/", schemaName)
	h.RegisterTypeAlias(reflect.TypeFor[money.Decimal](), reflect.TypeFor[decimalText]())
	h.RegisterTypeAlias(reflect.TypeFor[civil.Date](), reflect.TypeFor[dateText]())
	return &registry{huma: h, shapes: compiler{reg: h, done: map[string]*shape{}}}
}

// decimalText and dateText are how numbers that people type and days of the calendar look, wherever a type of the
// domain holds one.
type (
	decimalText struct{}
	dateText    struct{}
)

// Schema is a decimal string.
func (decimalText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "decimal"}
}

// Schema is a date.
func (dateText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date"}
}

// shape makes the shape of a body.
func (g *registry) shape(t reflect.Type) *shape {
	if t == reflect.TypeFor[None]() {
		return &shape{kind: huma.TypeObject}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shapes.of(t, g.huma.Schema(t, true, ""))
}

// field makes the schema and shape of a parameter.
func (g *registry) field(f reflect.StructField) (*huma.Schema, *shape) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := huma.SchemaFromField(g.huma, f, "")
	return s, g.shapes.of(f.Type, s)
}

// schemaName names a schema by its type: types of this package by their own name without "View", those of a noun
// with the noun before it, so that a line of an estimate and one of an invoice are told apart.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if t.Kind() == reflect.Struct && strings.HasPrefix(name, "listOf[") {
		return schemaName(t.Field(0).Type.Elem(), "") + "List"
	}
	if name == "" || strings.Contains(name, "[") {
		return huma.DefaultSchemaNamer(t, hint)
	}
	name = upper(name)
	pkg := t.PkgPath()
	pkg = upper(pkg[strings.LastIndexByte(pkg, '/')+1:])
	if pkg == "Api" {
		return strings.TrimSuffix(name, "View")
	}
	if pkg == "" || strings.HasPrefix(name, pkg) {
		return name
	}
	return pkg + name
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
