package arch_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"onebook/infra/local/template"
)

// deployment is what is deployed, and the files around it.
type deployment struct {
	*template.Template
	files fs.FS
	texts map[string]string // the templates and samconfig.toml, as written
}

// deploymentFiles are the files that the rules about the deployment read, by their places in the repository.
func deploymentFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, pattern := range []string{
		"template.yaml", "samconfig.toml", "infra/*.yaml", "infra/runbooks/*", "functions/*/main.go", "internal/api/openapi.json",
	} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(root, f)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.ToSlash(name)] = &fstest.MapFile{Data: text}
		}
	}
	return files
}

func openDeployment(files fstest.MapFS) (*deployment, error) {
	t, err := template.LoadFS(files, nil)
	if err != nil {
		return nil, err
	}
	d := &deployment{Template: t, files: files, texts: map[string]string{}}
	for name, f := range files {
		if path.Ext(name) == ".yaml" || path.Ext(name) == ".toml" {
			d.texts[name] = string(f.Data)
		}
	}
	return d, nil
}

// law is one rule about the deployment.
type law struct {
	name string
	find func(*deployment) []string
}

var laws = []law{
	{"no action with a *", wildcardLaw},
	{"rights name what they are for", resourceLaw},
	{"each function has a role of its own", roleLaw},
	{"chains cannot be changed", chainLaw},
	{"environment and rights agree", grantLaw},
	{"every route has an authorizer or is public", routeLaw},
	{"every asynchronous edge has destination and alarm", edgeLaw},
	{"streams are set up to lose nothing", streamLaw},
	{"schedules are set up to lose nothing", scheduleLaw},
	{"what is kept is retained", retainLaw},
	{"buckets are closed", bucketLaw},
	{"the table is the store's", tableLaw},
	{"sign-in is closed", signInLaw},
	{"no secret in the open", secretLaw},
	{"no cycle", cycleLaw},
	{"functions are built and bounded alike", functionLaw},
	{"every alarm has a page", runbookLaw},
	{"every alarm can fire", alarmLaw},
	{"logs hold no paths", logLaw},
	{"no CustomErrorResponses", errorPageLaw},
	{"builds are not cached", cacheLaw},
}

// The deployment keeps its laws.
func TestDeployment(t *testing.T) {
	d, err := openDeployment(deploymentFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			for _, offence := range l.find(d) {
				t.Error(offence)
			}
		})
	}
}

// defect is a change of one file that breaks one law.
type defect struct {
	law, file, old, new string
	says                string // part of what the law must say
}

// Each law finds what is planted for it.
func TestPlantedDefectsAreFound(t *testing.T) {
	files := deploymentFiles(t)
	clean, err := openDeployment(files)
	if err != nil {
		t.Fatal(err)
	}
	proven := map[string]bool{}
	for i, p := range defects {
		proven[p.law] = true
		t.Run(fmt.Sprintf("%02d %s", i+1, p.law), func(t *testing.T) {
			l := slices.IndexFunc(laws, func(l law) bool { return l.name == p.law })
			if l < 0 {
				t.Fatal("there is no such law")
			}
			changed := maps.Clone(files)
			switch text := ""; {
			case p.new == gone:
				if changed[p.file] == nil {
					t.Fatalf("%s is not there to be taken away", p.file)
				}
				delete(changed, p.file)
			case p.old == "":
				if f := changed[p.file]; f != nil {
					text = string(f.Data)
				}
				changed[p.file] = &fstest.MapFile{Data: []byte(text + p.new)}
			default:
				text = string(changed[p.file].Data)
				if !strings.Contains(text, p.old) {
					t.Fatalf("%s does not hold %q, so nothing was planted", p.file, p.old)
				}
				changed[p.file] = &fstest.MapFile{Data: []byte(strings.Replace(text, p.old, p.new, 1))}
			}
			d, err := openDeployment(changed)
			if err != nil {
				t.Fatalf("the planted deployment cannot be read: %v", err)
			}
			before := laws[l].find(clean)
			for _, offence := range laws[l].find(d) {
				if strings.Contains(offence, p.says) && !slices.Contains(before, offence) {
					return
				}
			}
			t.Errorf("not found; the law says %q", laws[l].find(d))
		})
	}
	for _, l := range laws {
		if !proven[l.name] {
			t.Errorf("nothing is planted for the law %q, so nothing proves it", l.name)
		}
	}
}

// gone takes a file away.
const gone = "\x00"

func props(m map[string]any, path ...string) map[string]any {
	for _, p := range path {
		m, _ = m[p].(map[string]any)
	}
	return m
}

func items(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

func say(out *[]string, format string, args ...any) {
	*out = append(*out, fmt.Sprintf(format, args...))
}
