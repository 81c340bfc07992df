package arch_test

import (
	"slices"
	"strings"
	"testing"
)

// rule is one rule about one file.
type rule struct {
	name string
	find func(*source) []string
}

var rules = []rule{
	{"floors", floorRule},
	{"keepers", keeperRule},
	{"thin doors", doorRule},
	{"clock, entropy and environment are fields", clockRule},
	{"no weak chance", chanceRule},
	{"no AddDate", addDateRule},
	{"no Scan", scanRule},
	{"no floats where money passes", floatRule},
	{"nobody exits below main", exitRule},
	{"no hidden actor", actorRule},
	{"names that say something", nameRule},
	{"nothing unfinished", unfinishedRule},
	{"exported names are explained", commentRule},
}

// The house keeps its rules.
func TestRules(t *testing.T) {
	all := sources(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, s := range all {
				for _, offence := range r.find(s) {
					t.Error(offence)
				}
			}
		})
	}
}

// Every package opens with what it is.
func TestPackageComments(t *testing.T) {
	if got := uncommented([]*source{
		mustParse(t, "internal/money/a.go", "package money"), mustParse(t, "internal/money/b.go", "// Package money is money.\npackage money"),
		mustParse(t, "internal/id/a.go", "package id"),
	}); !slices.Equal(got, []string{"internal/id"}) {
		t.Errorf("planted: found %v, not internal/id alone", got)
	}
	for _, dir := range uncommented(sources(t)) {
		t.Errorf("%s has no package comment", dir)
	}
}

func uncommented(all []*source) []string {
	said := map[string]bool{}
	for _, s := range all {
		if !strings.HasSuffix(s.path, "_test.go") {
			said[s.dir] = said[s.dir] || s.ast.Doc != nil
		}
	}
	var out []string
	for dir, ok := range said {
		if !ok {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return out
}

// planted are files that break one rule each. Every rule has one, and every keeper.
var planted = []struct{ rule, path, text string }{
	{"floors", "internal/money/x.go", `import "onebook/internal/store"`},
	{"floors", "internal/invoice/x.go", `import "onebook/internal/estimate"`},
	{"floors", "internal/invoice/x.go", `import "onebook/internal/billing"`},
	{"floors", "internal/billing/x.go", `import "onebook/internal/api"`},
	{"floors", "internal/api/x.go", `import "onebook/internal/app"`},
	{"floors", "internal/store/x.go", `import "onebook/infra/local/clock"`},
	{"floors", "internal/store/x.go", `import "onebook/internal/vectors"`},
	{"floors", "internal/newcomer/x.go", ``},
	{"floors", "internal/store/internal/unsynced/x.go", `import "onebook/internal/activity"`},
	{"thin doors", "functions/sales/main.go", `import "onebook/internal/invoice"`},
	{"thin doors", "functions/sales/main.go", strings.Repeat("\n", 50)},
	{"thin doors", "functions/sales/more.go", ``},
	{"clock, entropy and environment are fields", "internal/invoice/x.go", "import \"time\"\nvar x = time.Now"},
	{"clock, entropy and environment are fields", "internal/invoice/x.go", "import clock \"time\"\nvar x = clock.Now()"},
	{"clock, entropy and environment are fields", "internal/invoice/x.go", "import \"time\"\nfunc f(t time.Time) any { return time.Since(t) }"},
	{"clock, entropy and environment are fields", "internal/invoice/x.go", "import \"os\"\nvar x = os.Getenv(\"TABLE\")"},
	{"clock, entropy and environment are fields", "internal/invoice/x.go", `import "crypto/rand"`},
	{"no weak chance", "functions/sales/main.go", `import "math/rand/v2"`},
	{"no AddDate", "internal/billing/x.go", "import \"time\"\nfunc f(t time.Time) any { return t.AddDate(0, 1, 0) }"},
	{"no Scan", "internal/store/x.go", "import \"github.com/aws/aws-sdk-go-v2/service/dynamodb\"\nvar x dynamodb.ScanInput"},
	{"no Scan", "internal/store/x.go", "import \"github.com/aws/aws-sdk-go-v2/service/dynamodb\"\nvar x = dynamodb.NewScanPaginator(nil, nil)"},
	{"no floats where money passes", "internal/totals/x.go", "var x float64"},
	{"no floats where money passes", "internal/totals/x.go", "const x = 1.5"},
	{"no floats where money passes", "internal/totals/x.go", "import \"strconv\"\nvar x, _ = strconv.ParseFloat(\"1\", 64)"},
	{"nobody exits below main", "internal/invoice/x.go", "import \"os\"\nfunc f() { os.Exit(1) }"},
	{"nobody exits below main", "internal/invoice/x.go", "import \"log\"\nfunc f() { log.Fatalf(\"x\") }"},
	{"no hidden actor", "internal/invoice/x.go", "import \"context\"\nvar x = context.WithValue"},
	{"names that say something", "internal/util/x.go", ""},
	{"nothing unfinished", "internal/invoice/x.go", "// TODO: later\nvar x int"},
	{"exported names are explained", "internal/invoice/x.go", "func Issue() {}"},
	{"exported names are explained", "internal/invoice/x.go", "type Invoice struct{}"},
	{"exported names are explained", "internal/invoice/x.go", "// Invoice is one.\ntype Invoice struct{}\nfunc (i *Invoice) Void() {}"},
}

func plantedText(path, text string) string {
	pkg := path[:strings.LastIndex(path, "/")]
	pkg = pkg[strings.LastIndex(pkg, "/")+1:]
	if strings.HasPrefix(path, "functions/") {
		pkg = "main"
	}
	return "package " + pkg + "\n\n" + text
}

func mustParse(t *testing.T, path, text string) *source {
	t.Helper()
	s, err := parseSource(path, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each rule finds what is planted for it, and finds nothing when the same stands in a test file.
func TestPlantedOffencesAreFound(t *testing.T) {
	proven := map[string]bool{}
	check := func(t *testing.T, name, path, text string) {
		t.Helper()
		i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
		if i < 0 {
			t.Fatalf("there is no rule %q", name)
		}
		if len(rules[i].find(mustParse(t, path, plantedText(path, text)))) == 0 {
			t.Errorf("%s: the rule %q does not find\n%s", path, name, text)
		}
		proven[name] = true
	}
	for _, p := range planted {
		check(t, p.rule, p.path, p.text)
	}
	for _, k := range keepers {
		// Where nobody may: a noun, and for what nouns keep, another noun.
		check(t, "keepers", "internal/series/x.go", `import "`+strings.TrimSuffix(k.prefix, "/")+`"`)
	}
	for _, r := range rules {
		if !proven[r.name] {
			t.Errorf("nothing is planted for the rule %q, so nothing proves it", r.name)
		}
	}
}

// What is allowed is let pass: a rule that finds too much is soon switched off.
func TestAllowedIsLetPass(t *testing.T) {
	for _, p := range []struct{ path, text string }{
		{"internal/store/x.go", `import "github.com/aws/aws-sdk-go-v2/service/dynamodb"`},
		{"internal/billing/x.go", `import "onebook/internal/invoice"`},
		{"internal/store/internal/unsynced/x.go", `import "onebook/internal/fault"`},
		{"internal/store/x.go", `import "onebook/internal/store/internal/unsynced"`},
		{"internal/app/x.go", "import \"time\"\nvar x = time.Now"},
		{"internal/invoice/x.go", "import \"time\"\nvar x time.Time"},
		{"internal/invoice/x_test.go", "import (\"time\"; \"math/rand\")\nvar x = time.Now; var y float64; var z = rand.Int"},
		{"internal/store/storetest/x.go", "import (\"testing\"; \"time\"; \"onebook/internal/vectors\")\nvar x = time.Now"},
		{"internal/document/x.go", "var x = 1.5"},
		{"internal/invoice/x.go", "import \"bufio\"\nfunc f(s *bufio.Scanner) { s.Scan() }"},
		{"functions/sales/main.go", "import (\"github.com/aws/aws-lambda-go/lambda\"; \"onebook/internal/app\")\nvar x = lambda.Start; var y = app.New"},
		{"infra/local/x.go", `import "go.etcd.io/bbolt"`},
		{"internal/invoice/x.go", "// Invoice is one.\ntype Invoice struct{}\nfunc (i *Invoice) String() string { return \"\" }\nfunc (i *Invoice) key() {}"},
	} {
		for _, r := range rules {
			for _, offence := range r.find(mustParse(t, p.path, plantedText(p.path, p.text))) {
				t.Errorf("%s: %s", r.name, offence)
			}
		}
	}
}
