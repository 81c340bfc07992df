package arch_test

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

// outer are the places where the machine's clock, chance and environment may enter; from there on they are fields.
var outer = []string{"functions", "infra", "internal/app", "internal/api/openapi"}

func clockRule(s *source) []string {
	if s.test || s.in(outer...) {
		return nil
	}
	var out []string
	ban := func(importPath, why string, names ...string) {
		s.uses(importPath, func(sel *ast.SelectorExpr) {
			if slices.Contains(names, sel.Sel.Name) {
				out = append(out, s.at(sel, "%s.%s: %s", path.Base(importPath), sel.Sel.Name, why))
			}
		})
	}
	ban("time", "the time is a field, Now", "Now", "Since", "Until")
	ban("os", "the environment is read in app", "Getenv", "LookupEnv", "Environ", "ExpandEnv")
	for _, p := range []string{"crypto/rand", "math/rand", "math/rand/v2"} {
		if _, ok := s.imports[p]; ok {
			out = append(out, s.at(nil, "%s: entropy is a field", p))
		}
	}
	return out
}

// chanceRule: what can be guessed is no secret, so the weak generators are for tests and stand-ins.
func chanceRule(s *source) []string {
	if s.test || s.in("infra/local") {
		return nil
	}
	var out []string
	for _, p := range []string{"math/rand", "math/rand/v2"} {
		if _, ok := s.imports[p]; ok {
			out = append(out, s.at(nil, "%s can be guessed; crypto/rand cannot", p))
		}
	}
	return out
}

// addDateRule: AddDate(0, 1, 0) on 31 January is 3 March; dates of business come from civil.
func addDateRule(s *source) []string {
	if s.test {
		return nil
	}
	return s.selectors("AddDate rolls over at the end of a month; use civil", func(name string) bool { return name == "AddDate" })
}

// scanRule: a table is read by its keys. PartiQL would be a Scan by another name.
func scanRule(s *source) []string {
	if s.test {
		return nil
	}
	return s.selectors("there is no Scan", func(name string) bool {
		return slices.Contains([]string{"ScanInput", "ScanOutput", "NewScanPaginator", "ExecuteStatement", "ExecuteStatementInput", "BatchExecuteStatement"}, name)
	})
}

func (s *source) selectors(why string, banned func(string) bool) []string {
	var out []string
	ast.Inspect(s.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && banned(sel.Sel.Name) {
			out = append(out, s.at(sel, "%s: %s", sel.Sel.Name, why))
		}
		return true
	})
	return out
}

// exact are the packages in which money passes, where a float would lose a cent.
var exact = []string{
	"activity", "billing", "catalog", "checkout", "civil", "effect", "estimate", "fault", "id", "invoice", "issue", "letter", "link",
	"member", "money", "order", "org", "payment", "printing", "sale", "selling", "series", "stripepay", "totals",
}

func floatRule(s *source) []string {
	pkg, _ := part(s.dir)
	if s.test || !slices.Contains(exact, pkg) {
		return nil
	}
	var out []string
	ast.Inspect(s.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if n.Name == "float32" || n.Name == "float64" {
				out = append(out, s.at(n, "%s in a package through which money passes", n.Name))
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT {
				out = append(out, s.at(n, "%s is a float in a package through which money passes", n.Value))
			}
		case *ast.SelectorExpr:
			if slices.Contains([]string{"ParseFloat", "FormatFloat"}, n.Sel.Name) {
				out = append(out, s.at(n, "%s in a package through which money passes", n.Sel.Name))
			}
		}
		return true
	})
	return out
}

// exitRule: who ends the program below main takes the decision from everybody above.
func exitRule(s *source) []string {
	if s.test || s.ast.Name.Name == "main" {
		return nil
	}
	var out []string
	s.uses("log", func(sel *ast.SelectorExpr) {
		if strings.HasPrefix(sel.Sel.Name, "Fatal") || strings.HasPrefix(sel.Sel.Name, "Panic") {
			out = append(out, s.at(sel, "log.%s below main", sel.Sel.Name))
		}
	})
	s.uses("os", func(sel *ast.SelectorExpr) {
		if sel.Sel.Name == "Exit" {
			out = append(out, s.at(sel, "os.Exit below main"))
		}
	})
	return out
}

// actorRule: who acts is a parameter that the compiler sees.
func actorRule(s *source) []string {
	if s.test || s.in("functions", "infra", "internal/api", "internal/app") {
		return nil
	}
	var out []string
	s.uses("context", func(sel *ast.SelectorExpr) {
		if sel.Sel.Name == "WithValue" {
			out = append(out, s.at(sel, "context.WithValue: what a deed needs is a parameter"))
		}
	})
	return out
}

var emptyWords = []string{"base", "common", "core", "helper", "helpers", "impl", "interfaces", "lib", "manager", "misc", "models", "ports", "shared", "types", "util", "utils"}

func nameRule(s *source) []string {
	if slices.Contains(emptyWords, strings.TrimSuffix(s.ast.Name.Name, "_test")) {
		return []string{s.at(s.ast.Name, "package %s: a name that says nothing draws in everything", s.ast.Name.Name)}
	}
	return nil
}

var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

func unfinishedRule(s *source) []string {
	var out []string
	for _, g := range s.ast.Comments {
		for _, c := range g.List {
			if w := unfinished.FindString(c.Text); w != "" && !s.in("internal/arch") {
				out = append(out, s.at(c, "%s: what is not done is an issue, not a comment", w))
			}
		}
	}
	return out
}

// commentRule: every exported name tells what it promises.
func commentRule(s *source) []string {
	if strings.HasSuffix(s.path, "_test.go") {
		return nil
	}
	var out []string
	before := "" // what is said of a pair may stand above its first
	for _, d := range s.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !obvious(d) && !strings.Contains(before, d.Name.Name) {
				out = append(out, s.at(d.Name, "%s is exported and says nothing", d.Name.Name))
			}
			before = d.Doc.Text()
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok && t.Name.IsExported() && t.Doc == nil && d.Doc == nil && t.Comment == nil {
					out = append(out, s.at(t.Name, "%s is exported and says nothing", t.Name.Name))
				}
			}
		}
	}
	return out
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	id, ok := t.(*ast.Ident)
	return ok && id.IsExported()
}

// obvious are methods whose promise is the interface's, which everybody knows.
func obvious(d *ast.FuncDecl) bool {
	return d.Recv != nil && slices.Contains([]string{
		"Error", "Unwrap", "Is", "String", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Header", "Write", "WriteHeader",
		"ServeHTTP", "Close", "Read", "Len", "Less", "Swap", "LogValue",
	}, d.Name.Name)
}
