package template

import (
	"fmt"
	"strings"
)

// mode says what an ARN reads as.
type mode int

const (
	physical mode = iota // a value of its own: environments, outputs
	logical              // the name of what it belongs to: rights, destinations
)

type scope struct {
	*stack
	mode mode
}

// absent is AWS::NoValue: the key or the entry is left out.
type absent struct{}

var pseudo = map[string]string{
	"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
	"AWS::StackName": "onebook", "AWS::StackId": "onebook",
}

// resource resolves what is written of a resource.
func (s *stack) resource(id string) (Resource, error) {
	w := s.resources[id]
	r := Resource{
		Stack: s.name, LogicalID: id, Type: w.typ, DeletionPolicy: w.deletion, ReplacePolicy: w.replacement, DependsOn: w.dependsOn, Line: w.line,
	}
	for _, d := range w.dependsOn {
		if s.resources[d] == nil {
			return r, fmt.Errorf("it depends on %s, which is nowhere", d)
		}
	}
	if w.onlyWhen != "" {
		if _, ok := s.conditions[w.onlyWhen]; !ok {
			return r, fmt.Errorf("there is no condition %s", w.onlyWhen)
		}
	}
	v, err := scope{s, logical}.resolve(w.properties)
	if err != nil {
		return r, err
	}
	r.Properties, _ = v.(map[string]any)
	return r, nil
}

func (c scope) resolve(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if name == "Ref" || name == "Condition" && c.isCondition(arg) || strings.HasPrefix(name, "Fn::") {
					return c.call(name, arg)
				}
			}
		}
		out := make(map[string]any, len(v))
		for k, x := range v {
			r, err := c.resolve(x)
			if err != nil {
				return nil, err
			}
			if _, none := r.(absent); !none {
				out[k] = r
			}
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(v))
		for _, x := range v {
			r, err := c.resolve(x)
			if err != nil {
				return nil, err
			}
			if _, none := r.(absent); !none {
				out = append(out, r)
			}
		}
		return out, nil
	}
	return v, nil
}

// isCondition tells the function Condition from a policy's member of that name.
func (c scope) isCondition(arg any) bool {
	name, ok := arg.(string)
	_, known := c.conditions[name]
	return ok && known
}

func (c scope) call(name string, arg any) (any, error) {
	switch name {
	case "Ref":
		return c.ref(text(arg))
	case "Fn::GetAtt":
		parts := list(arg)
		if len(parts) != 2 {
			return nil, fmt.Errorf("the function GetAtt takes a name and an attribute")
		}
		return c.attribute(text(parts[0]), text(parts[1]))
	case "Fn::Sub":
		return c.sub(arg)
	case "Condition":
		return c.condition(text(arg))
	case "Fn::If":
		return c.choose(arg)
	case "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or":
		return c.logic(name, arg)
	case "Fn::Join":
		return c.join(arg)
	case "Fn::Select", "Fn::Split", "Fn::FindInMap":
		return c.pick(name, arg)
	}
	return nil, fmt.Errorf("%s is a function that this reader does not know", name)
}

func (c scope) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return absent{}, nil
	}
	if v, ok := c.values[name]; ok && c.name == "" {
		return v, nil
	}
	if v, ok := pseudo[name]; ok {
		if given, ok := c.values[name]; ok {
			return given, nil
		}
		return v, nil
	}
	if p, ok := c.parameters[name]; ok {
		if arg, given := c.args[name]; given {
			return scope{c.parent, c.mode}.resolve(arg)
		}
		switch {
		case p.Default != nil:
			return *p.Default, nil
		case c.parent != nil:
			return nil, fmt.Errorf("the parameter %s of %s is not given", name, c.file)
		}
		return name, nil
	}
	if c.resources[name] == nil {
		return nil, fmt.Errorf("there is no parameter or resource %s", name)
	}
	return c.given(qualified(c.name, name), qualified(c.name, name)), nil
}

// given answers the value that Load was given for a name, or what it reads as without.
func (c scope) given(name, otherwise string) string {
	if v, ok := c.values[name]; ok && c.mode == physical {
		return v
	}
	return otherwise
}

func (c scope) attribute(id, attr string) (any, error) {
	if c.resources[id] == nil {
		return nil, fmt.Errorf("there is no resource %s", id)
	}
	if sub := c.nested[id]; sub != nil {
		out, ok := strings.CutPrefix(attr, "Outputs.")
		if !ok {
			return nil, fmt.Errorf("the stack %s has no attribute %s", id, attr)
		}
		return scope{sub, c.mode}.output(out)
	}
	name := qualified(c.name, id)
	if c.mode == logical && attr == "Arn" {
		return name, nil
	}
	return c.given(name+"."+attr, name+"."+attr), nil
}

func (c scope) output(name string) (any, error) {
	if v, ok := c.values[qualified(c.name, "Outputs."+name)]; ok && c.mode == physical {
		return v, nil
	}
	o, ok := c.outputs[name].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s has no output %s", c.file, name)
	}
	return c.resolve(o["Value"])
}

func (c scope) sub(arg any) (any, error) {
	format, local := text(arg), map[string]any{}
	if parts, ok := arg.([]any); ok && len(parts) == 2 {
		format = text(parts[0])
		local, _ = parts[1].(map[string]any)
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(format, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("in Sub: ${ without }")
		}
		format = after
		if strings.HasPrefix(name, "!") {
			b.WriteString("${" + name[1:] + "}")
			continue
		}
		var v any
		var err error
		if x, ok := local[name]; ok {
			v, err = c.resolve(x)
		} else if id, attr, dotted := strings.Cut(name, "."); dotted {
			v, err = c.attribute(id, attr)
		} else {
			v, err = c.ref(name)
		}
		if err != nil {
			return nil, fmt.Errorf("in Sub: %w", err)
		}
		b.WriteString(text(v))
	}
}

func (c scope) condition(name string) (bool, error) {
	v, ok := c.conditions[name]
	if !ok {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	r, err := c.resolve(v)
	if err != nil {
		return false, err
	}
	return r == true, nil
}

func (c scope) choose(arg any) (any, error) {
	parts := list(arg)
	if len(parts) != 3 {
		return nil, fmt.Errorf("the function If takes a condition and two values")
	}
	yes, err := c.condition(text(parts[0]))
	if err != nil {
		return nil, err
	}
	// The branch not taken is resolved too: it must not hold what CloudFormation would refuse.
	a, err := c.resolve(parts[1])
	if err != nil {
		return nil, err
	}
	b, err := c.resolve(parts[2])
	if err != nil {
		return nil, err
	}
	if yes {
		return a, nil
	}
	return b, nil
}

func (c scope) logic(name string, arg any) (any, error) {
	v, err := c.resolve(list(arg))
	if err != nil {
		return nil, err
	}
	parts := v.([]any)
	switch {
	case name == "Fn::Equals" && len(parts) == 2:
		return text(parts[0]) == text(parts[1]), nil
	case name == "Fn::Not" && len(parts) == 1:
		return parts[0] != true, nil
	case name == "Fn::Equals" || name == "Fn::Not":
		return nil, fmt.Errorf("%s has the wrong number of arguments", name)
	}
	for _, p := range parts {
		if (p == true) == (name == "Fn::Or") {
			return name == "Fn::Or", nil
		}
	}
	return name == "Fn::And", nil
}

func (c scope) join(arg any) (any, error) {
	parts := list(arg)
	if len(parts) != 2 {
		return nil, fmt.Errorf("the function Join takes a separator and a list")
	}
	v, err := c.resolve(parts[1])
	if err != nil {
		return nil, err
	}
	var words []string
	for _, x := range list(v) {
		words = append(words, text(x))
	}
	return strings.Join(words, text(parts[0])), nil
}

func (c scope) pick(name string, arg any) (any, error) {
	v, err := c.resolve(list(arg))
	if err != nil {
		return nil, err
	}
	parts := v.([]any)
	switch {
	case name == "Fn::Split" && len(parts) == 2:
		var out []any
		for _, w := range strings.Split(text(parts[1]), text(parts[0])) {
			out = append(out, w)
		}
		return out, nil
	case name == "Fn::Select" && len(parts) == 2:
		var i int
		from := list(parts[1])
		if _, err := fmt.Sscan(text(parts[0]), &i); err != nil || i < 0 || i >= len(from) {
			return nil, fmt.Errorf("in Select there is no entry %v", parts[0])
		}
		return from[i], nil
	case name == "Fn::FindInMap" && len(parts) == 3:
		if v, ok := section(section(c.mappings, text(parts[0])), text(parts[1]))[text(parts[2])]; ok {
			return v, nil
		}
		return nil, fmt.Errorf("in FindInMap there is no %v", parts)
	}
	return nil, fmt.Errorf("%s has the wrong number of arguments", name)
}

// placeholders answers the names in ${…} of a Sub, without their attributes.
func placeholders(format string) []string {
	var out []string
	for {
		_, rest, found := strings.Cut(format, "${")
		if !found {
			return out
		}
		name, after, _ := strings.Cut(rest, "}")
		id, _, _ := strings.Cut(name, ".")
		out = append(out, id)
		format = after
	}
}
