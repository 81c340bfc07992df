package template

import (
	"fmt"
	"sort"
)

// rights reads a function's policy: of the role it names, and of Policies of its own.
func (t *Template) rights(f *Function, p map[string]any) error {
	if f.Role != "" {
		r, ok := t.Resource(f.Role)
		if !ok || r.Type != "AWS::IAM::Role" {
			return fmt.Errorf("its role %q is no role of this deployment", f.Role)
		}
		f.Policy = append(f.Policy, RolePolicy(r)...)
	}
	for _, x := range list(p["Policies"]) {
		m, ok := x.(map[string]any)
		if !ok {
			return fmt.Errorf("a policy is written out, not named: %v", x)
		}
		f.Policy = append(f.Policy, Statements(m)...)
	}
	return nil
}

// RolePolicy answers the statements of a role's own policies.
func RolePolicy(role Resource) []Statement {
	var out []Statement
	for _, x := range list(role.Properties["Policies"]) {
		m, _ := x.(map[string]any)
		out = append(out, Statements(section(m, "PolicyDocument"))...)
	}
	return out
}

// Statements reads a policy document.
func Statements(document map[string]any) []Statement {
	var out []Statement
	for _, x := range list(document["Statement"]) {
		m, _ := x.(map[string]any)
		s := Statement{Sid: text(m["Sid"]), Effect: text(m["Effect"]), Actions: words(m["Action"]), Resources: words(m["Resource"])}
		switch p := m["Principal"].(type) {
		case nil:
		case map[string]any:
			for _, kind := range sortedKeys(p) {
				for _, who := range words(p[kind]) {
					s.Principals = append(s.Principals, kind+":"+who)
				}
			}
		default:
			s.Principals = words(p)
		}
		for op, v := range section(m, "Condition") {
			if s.Conditions == nil {
				s.Conditions = map[string]map[string][]string{}
			}
			keys, _ := v.(map[string]any)
			s.Conditions[op] = map[string][]string{}
			for k, want := range keys {
				s.Conditions[op][k] = words(want)
			}
		}
		out = append(out, s)
	}
	return out
}

// Edges answers what cannot be made before what, in all stacks. A nested stack waits for what its parameters name; a
// function's event waits for the function and for what the event names; the API waits for the functions it calls.
func (t *Template) Edges() []Edge {
	seen := map[Edge]bool{}
	for _, s := range t.stacks {
		for _, id := range s.order {
			w := s.resources[id]
			from := qualified(s.name, id)
			add := func(from string, v any) {
				for to := range s.names(v) {
					seen[Edge{from, qualified(s.name, to)}] = true
				}
			}
			for _, d := range w.dependsOn {
				seen[Edge{from, qualified(s.name, d)}] = true
			}
			for k, v := range w.properties {
				if w.typ != "AWS::Serverless::Function" || k != "Events" {
					add(from, v)
				}
			}
			if w.typ != "AWS::Serverless::Function" {
				continue
			}
			add(from, s.globals)
			for name, e := range section(w.properties, "Events") {
				add(from+"."+name, e)
				seen[Edge{from + "." + name, from}] = true
				m, _ := e.(map[string]any)
				if api := section(section(m, "Properties"), "ApiId"); m["Type"] == "HttpApi" {
					seen[Edge{qualified(s.name, text(api["Ref"])), from}] = true
				}
			}
		}
	}
	out := make([]Edge, 0, len(seen))
	for e := range seen {
		out = append(out, e)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].From < out[j].From || out[i].From == out[j].From && out[i].To < out[j].To
	})
	return out
}

// names answers the resources of this stack that v refers to.
func (s *stack) names(v any) map[string]bool {
	out := map[string]bool{}
	note := func(id string) {
		if s.resources[id] != nil {
			out[id] = true
		}
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for k, x := range v {
				switch k {
				case "Ref":
					note(text(x))
				case "Fn::GetAtt":
					if l := list(x); len(l) > 0 {
						note(text(l[0]))
					}
				case "Fn::Sub":
					for _, name := range placeholders(text(list(x)[0])) {
						note(name)
					}
				}
				walk(x)
			}
		}
	}
	walk(v)
	return out
}
