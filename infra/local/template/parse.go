package template

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// stack is one template as written, with the short forms of functions (!Ref x) brought to the long ones ({Ref: x}).
type stack struct {
	name, file string
	parent     *stack
	args       map[string]any // the parent's, unresolved
	nested     map[string]*stack
	values     map[string]string

	order      []string
	resources  map[string]*written
	parameters map[string]Parameter
	conditions map[string]any
	outputs    map[string]any
	mappings   map[string]any
	globals    map[string]any
}

// written is a resource as it stands in the file.
type written struct {
	typ                             string
	properties                      map[string]any
	deletion, replacement, onlyWhen string
	dependsOn                       []string
	line                            int
}

func parse(src []byte) (*stack, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("the file is empty")
	}
	top, err := value(doc.Content[0])
	if err != nil {
		return nil, err
	}
	m, ok := top.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the file is no template")
	}
	s := &stack{nested: map[string]*stack{}, resources: map[string]*written{}, parameters: map[string]Parameter{}}
	s.conditions, s.outputs, s.mappings = section(m, "Conditions"), section(m, "Outputs"), section(m, "Mappings")
	s.globals = section(section(m, "Globals"), "Function")
	for name, v := range section(m, "Parameters") {
		p, _ := v.(map[string]any)
		out := Parameter{Type: text(p["Type"]), Pattern: text(p["AllowedPattern"])}
		if d, ok := p["Default"]; ok {
			x := text(d)
			out.Default = &x
		}
		s.parameters[name] = out
	}
	lines := map[string]int{}
	if node := child(doc.Content[0], "Resources"); node != nil {
		for i := 0; i+1 < len(node.Content); i += 2 {
			s.order = append(s.order, node.Content[i].Value)
			lines[node.Content[i].Value] = node.Content[i].Line
		}
	}
	for id, v := range section(m, "Resources") {
		r, _ := v.(map[string]any)
		w := &written{
			typ: text(r["Type"]), properties: section(r, "Properties"), line: lines[id],
			deletion: text(r["DeletionPolicy"]), replacement: text(r["UpdateReplacePolicy"]), onlyWhen: text(r["Condition"]),
		}
		if w.typ == "" {
			return nil, fmt.Errorf("%s has no Type", id)
		}
		for _, d := range list(r["DependsOn"]) {
			w.dependsOn = append(w.dependsOn, text(d))
		}
		s.resources[id] = w
	}
	return s, nil
}

func section(m map[string]any, name string) map[string]any {
	out, _ := m[name].(map[string]any)
	return out
}

func child(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// list reads one thing or a list of things.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// value brings a node to maps, lists, strings, numbers and booleans.
func value(n *yaml.Node) (any, error) {
	plain := *n
	tag := n.Tag
	short := strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!")
	if short {
		plain.Tag = ""
	}
	var v any
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i].Value
			if _, twice := m[k]; twice {
				return nil, fmt.Errorf("line %d: %s is there twice", n.Content[i].Line, k)
			}
			x, err := value(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[k] = x
		}
		v = m
	case yaml.SequenceNode:
		l := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			x, err := value(c)
			if err != nil {
				return nil, err
			}
			l = append(l, x)
		}
		v = l
	case yaml.ScalarNode:
		if short {
			v = n.Value
		} else if err := plain.Decode(&v); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("line %d: anchors and aliases are not for templates", n.Line)
	}
	if !short {
		return v, nil
	}
	switch name := tag[1:]; name {
	case "Ref", "Condition":
		return map[string]any{name: v}, nil
	case "GetAtt":
		if s, ok := v.(string); ok {
			id, attr, _ := strings.Cut(s, ".")
			v = []any{id, attr}
		}
		return map[string]any{"Fn::GetAtt": v}, nil
	default:
		return map[string]any{"Fn::" + name: v}, nil
	}
}
