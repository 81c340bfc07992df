// Package template reads the deployment: template.yaml and the stacks it nests, expanded as a deploy would.
//
// The local program takes its routes, authorizers, environments, streams and schedules from here, and the house tests
// hold the same reading against the rules, so neither can drift from what is deployed. [Load] resolves everything
// once; what CloudFormation would refuse (an unknown reference, a missing output) is an error there.
//
// Values that exist only after a deploy read as names: the table is "Data.Table", its ARN "Data.Table.Arn", a parameter
// without value and default its own name. The values given to Load replace any of them, by the same names.
package template

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"
)

// File is the name of the outermost template.
const File = "template.yaml"

// Template is an expanded deployment. Make it with Load.
type Template struct {
	root      *stack
	stacks    []*stack // root first, then the nested ones in their order
	functions []Function
	resources []Resource
}

// Resource is one resource of one stack.
type Resource struct {
	Stack          string // logical id of the nested stack, empty for the outermost
	LogicalID      string
	Type           string
	Properties     map[string]any // resolved; ARNs read as the names of what they belong to
	DeletionPolicy string
	ReplacePolicy  string
	DependsOn      []string // names in the same stack
	Line           int      // in the stack's file
}

// Name is the resource's name in the whole deployment, e.g. "Data.Table".
func (r Resource) Name() string { return qualified(r.Stack, r.LogicalID) }

// Parameter is one parameter of one stack.
type Parameter struct {
	Stack, Name, Type, Pattern string
	Default                    *string
}

// Edge says that From cannot be made before To: names of resources, and "Function.Event" for what an event expands to.
type Edge struct{ From, To string }

// Load reads the deployment in a folder. values replace parameters ("SiteUrl"), pseudo parameters ("AWS::Region"),
// references ("Data.Table"), attributes ("Data.Table.Arn") and outputs ("Auth.Outputs.Issuer"); nil replaces nothing.
func Load(dir string, values map[string]string) (*Template, error) {
	return LoadFS(os.DirFS(dir), values)
}

// LoadFS is Load for any file system.
func LoadFS(fsys fs.FS, values map[string]string) (*Template, error) {
	t := &Template{}
	root, err := t.read(fsys, "", File, values)
	if err != nil {
		return nil, err
	}
	t.root = root
	for _, s := range t.stacks {
		for _, id := range s.order {
			r, err := s.resource(id)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", s.file, id, err)
			}
			t.resources = append(t.resources, r)
		}
		for _, name := range sortedKeys(s.outputs) {
			if _, err := (scope{s, physical}).output(name); err != nil {
				return nil, fmt.Errorf("%s: output %s: %w", s.file, name, err)
			}
		}
	}
	if err := t.expand(); err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	return t, nil
}

// read loads one stack's file and then the stacks it nests.
func (t *Template) read(fsys fs.FS, name, file string, values map[string]string) (*stack, error) {
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("the template cannot be read: %w", err)
	}
	s, err := parse(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	s.name, s.file, s.values = name, file, values
	t.stacks = append(t.stacks, s)
	for _, id := range s.order {
		p := s.resources[id]
		if p.typ != "AWS::CloudFormation::Stack" && p.typ != "AWS::Serverless::Application" {
			continue
		}
		if name != "" {
			return nil, fmt.Errorf("%s: %s: a nested stack nests another, which this reader does not follow", file, id)
		}
		at, _ := p.properties["TemplateURL"].(string)
		if at == "" {
			at, _ = p.properties["Location"].(string)
		}
		args, _ := p.properties["Parameters"].(map[string]any)
		child, err := t.read(fsys, id, path.Join(path.Dir(file), at), values)
		if err != nil {
			return nil, err
		}
		for given := range args {
			if _, ok := child.parameters[given]; !ok {
				return nil, fmt.Errorf("%s: %s: %s has no parameter %s", file, id, child.file, given)
			}
		}
		child.parent, child.args = s, args
		s.nested[id] = child
	}
	return s, nil
}

// Functions answers the functions in the order of the template.
func (t *Template) Functions() []Function { return t.functions }

// Function answers the function of a door, e.g. "contacts".
func (t *Template) Function(door string) (Function, bool) {
	for _, f := range t.functions {
		if f.Name == door {
			return f, true
		}
	}
	return Function{}, false
}

// Resources answers the resources of all stacks. Functions stand among them as written, before expansion.
func (t *Template) Resources() []Resource { return t.resources }

// Resource finds a resource by its name in the whole deployment, e.g. "Data.Table".
func (t *Template) Resource(name string) (Resource, bool) {
	for _, r := range t.resources {
		if r.Name() == name {
			return r, true
		}
	}
	return Resource{}, false
}

// OfType answers the resources of one type.
func (t *Template) OfType(typ string) []Resource {
	var out []Resource
	for _, r := range t.resources {
		if r.Type == typ {
			out = append(out, r)
		}
	}
	return out
}

// Parameters answers the parameters of all stacks.
func (t *Template) Parameters() []Parameter {
	var out []Parameter
	for _, s := range t.stacks {
		for _, name := range sortedKeys(s.parameters) {
			p := s.parameters[name]
			p.Stack, p.Name = s.name, name
			out = append(out, p)
		}
	}
	return out
}

// Outputs answers the outputs of a stack (empty name: the outermost), resolved.
func (t *Template) Outputs(name string) map[string]string {
	out := map[string]string{}
	for _, s := range t.stacks {
		if s.name != name {
			continue
		}
		for o := range s.outputs {
			v, _ := scope{s, physical}.output(o) // Load has resolved every one
			out[o] = text(v)
		}
	}
	return out
}

func qualified(stack, id string) string {
	if stack == "" {
		return id
	}
	return stack + "." + id
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return strings.TrimSpace(fmt.Sprint(v))
	}
}
