package arch_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// logged answers the texts of each call of a logger's method, the message first.
func logged(all []*source) map[string][]string {
	out := map[string][]string{}
	for _, s := range all {
		if s.test {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !regexp.MustCompile(`^(Info|Warn|Error|Log)(Context|Attrs)?$`).MatchString(sel.Sel.Name) {
				return true
			}
			var texts []string
			for _, a := range call.Args {
				if l, ok := a.(*ast.BasicLit); ok && l.Kind == token.STRING {
					text, _ := strconv.Unquote(l.Value)
					texts = append(texts, text)
				}
			}
			if len(texts) > 0 {
				out[texts[0]] = append(out[texts[0]], texts[1:]...)
			}
			return true
		})
	}
	return out
}

var filterMessage = regexp.MustCompile(`^\{ \$\.msg = "([^"]+)" \}$`)

// unlogged answers the metric filters that wait for a line that no code writes.
func unlogged(d *deployment, lines map[string][]string) (out []string) {
	for _, f := range d.OfType("AWS::Logs::MetricFilter") {
		m := filterMessage.FindStringSubmatch(fmt.Sprint(f.Properties["FilterPattern"]))
		if m == nil {
			say(&out, "%s: the pattern %v is not on a message", f.LogicalID, f.Properties["FilterPattern"])
			continue
		}
		members, ok := lines[m[1]]
		if !ok {
			say(&out, "%s waits for the line %q, which no code logs", f.LogicalID, m[1])
			continue
		}
		for _, x := range items(f.Properties["MetricTransformations"]) {
			t, _ := x.(map[string]any)
			if name, ok := strings.CutPrefix(fmt.Sprint(t["MetricValue"]), "$."); ok && !strings.Contains("\x00"+strings.Join(members, "\x00")+"\x00", "\x00"+name+"\x00") {
				say(&out, "%s wants %q of the line %q, which does not have it", f.LogicalID, name, m[1])
			}
		}
	}
	return out
}

// What alarms are made of is really logged: a message that is reworded would silence its alarm.
func TestMetricFilters(t *testing.T) {
	d, err := openDeployment(deploymentFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, offence := range unlogged(d, logged(sources(t))) {
		t.Error(offence)
	}
	planted := logged([]*source{mustParse(t, "internal/relay/x.go", `package relay

func f() { l.Log.InfoContext(ctx, "swept", "age", 1); l.Log.Warn("a hook was refused") }`)})
	if got := unlogged(d, planted); len(got) != 2 {
		t.Errorf("planted: got %q, want that late and the refused webhook are missed", got)
	}
}
