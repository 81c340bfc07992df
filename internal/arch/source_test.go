package arch_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "onebook"

// root is the repository.
const root = "../.."

// support are packages that only tests import, so they are held to what tests are held to.
var support = []string{"internal/rig", "internal/store/storetest", "internal/vectors"}

// source is one Go file.
type source struct {
	path    string // from the repository, e.g. internal/money/money.go
	dir     string // internal/money
	test    bool   // a test file, or of a package in support
	ast     *ast.File
	fset    *token.FileSet
	imports map[string]string // path → local name
	lines   int
}

func parseSource(name, text string) (*source, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := &source{
		path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), ast: f, fset: fset,
		imports: map[string]string{}, lines: strings.Count(text, "\n"),
	}
	s.test = s.test || s.in(support...)
	for _, i := range f.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		local := path.Base(p)
		if strings.HasPrefix(local, "v") && len(local) <= 3 {
			local = path.Base(path.Dir(p))
		}
		if i.Name != nil {
			local = i.Name.Name
		}
		s.imports[p] = local
	}
	return s, nil
}

// at says where, for a reader who wants to go there.
func (s *source) at(n ast.Node, format string, args ...any) string {
	line := 1
	if n != nil {
		line = s.fset.Position(n.Pos()).Line
	}
	return fmt.Sprintf("%s:%d: %s", s.path, line, fmt.Sprintf(format, args...))
}

// in reports whether the file is in one of the folders, or below it.
func (s *source) in(dirs ...string) bool {
	for _, d := range dirs {
		if s.dir == d || strings.HasPrefix(s.dir, d+"/") {
			return true
		}
	}
	return false
}

// uses calls f for every selector package.Name in the file, whose package is imported from that path.
func (s *source) uses(importPath string, f func(*ast.SelectorExpr)) {
	local, ok := s.imports[importPath]
	if !ok {
		return
	}
	ast.Inspect(s.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				f(sel)
			}
		}
		return true
	})
}

// sources reads every Go file of the project.
func sources(t *testing.T) []*source {
	t.Helper()
	var out []*source
	for _, top := range []string{"functions", "infra", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") {
				if d != nil && d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
					return fs.SkipDir
				}
				return err
			}
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			s, err := parseSource(filepath.ToSlash(name), string(text))
			if err != nil {
				return err
			}
			out = append(out, s)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
