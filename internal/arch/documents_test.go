package arch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// shelf is the top level of the repository: everything on it, and nothing else.
var shelf = []string{
	"Makefile", "README.md", "events", "functions", "go.mod", "go.sum", "infra", "internal", "samconfig.toml", "statemachines", "template.yaml", "web",
}

// unshelved says what is on the top level and should not be, or the other way round. Dot files are the tools', and
// build is what make leaves behind.
func unshelved(names []string) (out []string) {
	for _, n := range names {
		if !strings.HasPrefix(n, ".") && n != "build" && !slices.Contains(shelf, n) {
			say(&out, "%s does not belong on the top level", n)
		}
	}
	for _, n := range shelf {
		if !slices.Contains(names, n) {
			say(&out, "%s is missing from the top level", n)
		}
	}
	return out
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, offence := range unshelved(names) {
		t.Error(offence)
	}
	if got := unshelved(append(slices.Clone(shelf), "scripts", ".github")); !slices.Equal(got, []string{"scripts does not belong on the top level"}) {
		t.Errorf("planted: got %q", got)
	}
	if got := unshelved(shelf[1:]); len(got) != 1 {
		t.Errorf("planted: got %q", got)
	}
}

// exported answers the names a package declares, Type.Method among them, of the files given.
func exported(all []*source) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, s := range all {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		names := out[s.dir]
		if names == nil {
			names = map[string]bool{}
			out[s.dir] = names
		}
		for _, d := range s.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					t := d.Recv.List[0].Type
					if p, ok := t.(*ast.StarExpr); ok {
						t = p.X
					}
					if id, ok := t.(*ast.Ident); ok {
						name = id.Name + "." + name
					}
				}
				names[name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						names[spec.Name.Name] = true
						members(names, spec)
					case *ast.ValueSpec:
						for _, id := range spec.Names {
							names[id.Name] = true
						}
					}
				}
			}
		}
	}
	return out
}

// members notes the fields of a struct and the methods of an interface.
func members(names map[string]bool, spec *ast.TypeSpec) {
	var fields *ast.FieldList
	switch t := spec.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return
	}
	for _, f := range fields.List {
		for _, id := range f.Names {
			names[spec.Name.Name+"."+id.Name] = true
		}
	}
}

// deadLinks answers the doc links of a comment that lead nowhere. Links into the standard library are not followed.
func deadLinks(dir, text string, imports map[string]string, names map[string]map[string]bool) (out []string) {
	p := comment.Parser{
		LookupPackage: func(name string) (string, bool) {
			for path, local := range imports {
				if local == name {
					return path, true
				}
			}
			if names["internal/"+name] != nil {
				return module + "/internal/" + name, true
			}
			return comment.DefaultLookupPackage(name)
		},
		LookupSym: func(recv, name string) bool { return true },
	}
	follow := func(texts []comment.Text) {
		for _, t := range texts {
			l, ok := t.(*comment.DocLink)
			if !ok {
				continue
			}
			at := dir
			if l.ImportPath != "" {
				if at, ok = strings.CutPrefix(l.ImportPath, module+"/"); !ok {
					continue
				}
			}
			name := strings.TrimPrefix(l.Recv+"."+l.Name, ".")
			switch {
			case names[at] == nil:
				say(&out, "[%s] leads nowhere: there is no package %s", shown(l), at)
			case name != "" && !names[at][name]:
				say(&out, "[%s] leads nowhere: %s has no %s", shown(l), at, name)
			}
		}
	}
	var blocks func([]comment.Block)
	blocks = func(bs []comment.Block) {
		for _, b := range bs {
			switch b := b.(type) {
			case *comment.Paragraph:
				follow(b.Text)
			case *comment.Heading:
				follow(b.Text)
			case *comment.List:
				for _, i := range b.Items {
					blocks(i.Content)
				}
			}
		}
	}
	blocks(p.Parse(text).Content)
	return out
}

func shown(l *comment.DocLink) string {
	return strings.Trim(l.ImportPath+"."+l.Recv+"."+l.Name, ".")
}

var packageWord = regexp.MustCompile(`\[(?:onebook/)?(internal/|infra/|functions/)?([a-z][a-z0-9]*(?:/[a-z0-9]+)*)\]`)

// deadPackages answers words in brackets that name no package: the tour must not lead past the house.
func deadPackages(text string, names map[string]map[string]bool) (out []string) {
	for _, m := range packageWord.FindAllStringSubmatch(text, -1) {
		prefix := m[1]
		if prefix == "" {
			prefix = "internal/"
		}
		if names[prefix+m[2]] == nil {
			say(&out, "%s leads nowhere: there is no package %s%s", m[0], prefix, m[2])
		}
	}
	return out
}

// Every doc link leads somewhere, and the tour names no room that is not there.
func TestDocLinks(t *testing.T) {
	all := sources(t)
	names := exported(all)
	for _, s := range all {
		if s.test {
			continue
		}
		for _, g := range s.ast.Comments {
			for _, dead := range deadLinks(s.dir, g.Text(), s.imports, names) {
				t.Error(s.at(g, "%s", dead))
			}
		}
		if s.path == "internal/doc.go" {
			for _, dead := range deadPackages(s.ast.Doc.Text(), names) {
				t.Error(s.at(s.ast.Name, "%s", dead))
			}
		}
	}
	if names["internal"] == nil && os.Getenv("CI") != "" {
		t.Error("internal/doc.go, the tour of the house, is not written")
	}

	planted := mustParse(t, "internal/x/x.go", "package x\n\n// Thing is one.\ntype Thing struct{ A int }\n\n// Do does.\nfunc (t *Thing) Do() {}")
	known := exported([]*source{planted, mustParse(t, "internal/y/y.go", "package y")})
	for text, want := range map[string]int{
		"See [Thing], [Thing.Do], [Thing.A] and [onebook/internal/y].": 0,
		"See [Thingy].":               1,
		"See [Thing.Undo].":           1,
		"See [onebook/internal/z].":   1,
		"See [onebook/internal/y.Z].": 1,
		"See [y.Z] and [io.Reader].":  1,
	} {
		if got := deadLinks("internal/x", text, nil, known); len(got) != want {
			t.Errorf("planted %q: got %q, want %d", text, got, want)
		}
	}
	if got := deadPackages("First [x], then [onebook/internal/z], then [gone].", known); len(got) != 2 {
		t.Errorf("planted: got %q, want two", got)
	}
}

var mdLink = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)

// deadFiles answers the links of a page to files that are not there.
func deadFiles(files fs.FS, name, text string) (out []string) {
	for _, m := range mdLink.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
			continue
		}
		if _, err := fs.Stat(files, path.Join(path.Dir(name), m[1])); err != nil {
			say(&out, "%s: the link to %s leads nowhere", name, m[1])
		}
	}
	return out
}

// Every link between our pages leads somewhere.
func TestPageLinks(t *testing.T) {
	files := os.DirFS(root)
	for _, top := range []string{".", "events", "functions", "infra", "internal", "statemachines", "web"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || top == "." && name != ".") {
				return fs.SkipDir
			}
			if path.Ext(p) != ".md" {
				return nil
			}
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			for _, dead := range deadFiles(files, filepath.ToSlash(name), string(text)) {
				t.Error(dead)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	planted := fstest.MapFS{"a/b.md": {}, "c.go": {}}
	if got := deadFiles(planted, "a/x.md", "[b](b.md) [c](../c.go#L1) [out](https://a.example/x) [gone](gone.md)"); len(got) != 1 {
		t.Errorf("planted: got %q, want one", got)
	}
}

var pathParam = regexp.MustCompile(`\{[^}]*\}`)

// undocumented compares the routes of the deployment with the document that clients read.
func undocumented(d *deployment, document []byte) (out []string) {
	var doc struct {
		Servers []struct{ URL string }
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.NewDecoder(bytes.NewReader(document)).Decode(&doc); err != nil || len(doc.Servers) != 1 {
		return []string{fmt.Sprintf("the document cannot be read: %v", err)}
	}
	documented, deployed := map[string]bool{}, map[string]bool{}
	for p, ops := range doc.Paths {
		for method := range ops {
			if slices.Contains([]string{"get", "post", "put", "patch", "delete"}, method) {
				documented[strings.ToUpper(method)+" "+pathParam.ReplaceAllString(doc.Servers[0].URL+p, "{}")] = true
			}
		}
	}
	for _, f := range d.Functions() {
		for _, r := range f.Routes {
			if strings.HasPrefix(r.Path, "/v1/") {
				deployed[pathParam.ReplaceAllString(r.Key(), "{}")] = true
			}
		}
	}
	for k := range documented {
		if !deployed[k] {
			say(&out, "%s is documented and not deployed", k)
		}
	}
	for k := range deployed {
		if !documented[k] {
			say(&out, "%s is deployed and not documented", k)
		}
	}
	slices.Sort(out)
	return out
}

// What is documented is deployed, and the other way round.
func TestRoutesAreDocumented(t *testing.T) {
	files := deploymentFiles(t)
	d, err := openDeployment(files)
	if err != nil {
		t.Fatal(err)
	}
	document := files["internal/api/openapi.json"]
	if document == nil {
		t.Fatal("internal/api/openapi.json is not there; make openapi writes it")
	}
	for _, offence := range undocumented(d, document.Data) {
		t.Error(offence)
	}
	planted := []byte(`{"servers":[{"url":"/v1"}],"paths":{"/contacts/{contactId}":{"get":{},"parameters":[]},"/nothing":{"get":{}}}}`)
	got := undocumented(d, planted)
	if !slices.Contains(got, "GET /v1/nothing is documented and not deployed") || !slices.Contains(got, "POST /v1/contacts is deployed and not documented") ||
		slices.Contains(got, "GET /v1/contacts/{} is deployed and not documented") {
		t.Errorf("planted: got %q", got)
	}
}
