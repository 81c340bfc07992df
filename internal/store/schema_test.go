package store_test

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"onebook/internal/store"
)

// The table that is deployed is the table that is tested.
func TestTemplateAgrees(t *testing.T) {
	b, err := os.ReadFile("../../infra/data.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type keys []struct {
		AttributeName string `yaml:"AttributeName"`
		KeyType       string `yaml:"KeyType"`
	}
	var template struct {
		Resources struct {
			Table struct {
				Properties struct {
					BillingMode             string `yaml:"BillingMode"`
					KeySchema               keys   `yaml:"KeySchema"`
					TimeToLiveSpecification struct {
						AttributeName string `yaml:"AttributeName"`
						Enabled       bool   `yaml:"Enabled"`
					} `yaml:"TimeToLiveSpecification"`
					StreamSpecification struct {
						StreamViewType string `yaml:"StreamViewType"`
					} `yaml:"StreamSpecification"`
					AttributeDefinitions []struct {
						AttributeName string `yaml:"AttributeName"`
						AttributeType string `yaml:"AttributeType"`
					} `yaml:"AttributeDefinitions"`
					GlobalSecondaryIndexes []struct {
						IndexName  string `yaml:"IndexName"`
						KeySchema  keys   `yaml:"KeySchema"`
						Projection struct {
							ProjectionType   string   `yaml:"ProjectionType"`
							NonKeyAttributes []string `yaml:"NonKeyAttributes"`
						} `yaml:"Projection"`
					} `yaml:"GlobalSecondaryIndexes"`
				} `yaml:"Properties"`
			} `yaml:"Table"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	p := template.Resources.Table.Properties
	schemaOf := func(ks keys) (out []types.KeySchemaElement) {
		for _, k := range ks {
			out = append(out, types.KeySchemaElement{AttributeName: aws.String(k.AttributeName), KeyType: types.KeyType(k.KeyType)})
		}
		return out
	}
	got := *store.TableSchema("")
	want := got
	want.BillingMode = types.BillingMode(p.BillingMode)
	want.KeySchema = schemaOf(p.KeySchema)
	want.StreamSpecification = &types.StreamSpecification{
		StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(p.StreamSpecification.StreamViewType),
	}
	want.AttributeDefinitions, want.GlobalSecondaryIndexes = nil, nil
	for _, a := range p.AttributeDefinitions {
		want.AttributeDefinitions = append(want.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(a.AttributeName), AttributeType: types.ScalarAttributeType(a.AttributeType),
		})
	}
	for _, x := range p.GlobalSecondaryIndexes {
		want.GlobalSecondaryIndexes = append(want.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(x.IndexName), KeySchema: schemaOf(x.KeySchema),
			Projection: &types.Projection{ProjectionType: types.ProjectionType(x.Projection.ProjectionType), NonKeyAttributes: x.Projection.NonKeyAttributes},
		})
	}
	unordered := []cmp.Option{
		cmpopts.IgnoreUnexported(want, types.KeySchemaElement{}, types.StreamSpecification{}, types.AttributeDefinition{}, types.GlobalSecondaryIndex{}, types.Projection{}),
		cmpopts.SortSlices(func(a, b types.AttributeDefinition) bool { return *a.AttributeName < *b.AttributeName }),
		cmpopts.SortSlices(func(a, b types.GlobalSecondaryIndex) bool { return *a.IndexName < *b.IndexName }),
		cmpopts.SortSlices(func(a, b string) bool { return a < b }),
	}
	if d := cmp.Diff(want, got, unordered...); d != "" {
		t.Errorf("TableSchema differs from infra/data.yaml (-template +schema):\n%s", d)
	}
	if p.TimeToLiveSpecification.AttributeName != store.TTLAttribute || !p.TimeToLiveSpecification.Enabled {
		t.Errorf("the template sweeps by %+v, want %q", p.TimeToLiveSpecification, store.TTLAttribute)
	}
}
