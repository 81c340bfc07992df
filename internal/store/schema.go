package store

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TTLAttribute is the attribute by which DynamoDB sweeps. The table's TimeToLiveSpecification names it.
const TTLAttribute = attrSweep

// TableSchema is the definition of the table, for DynamoDB Local. The table of an account is made by
// infra/data.yaml, which must agree in keys, indexes, projections and stream, and adds TTL on [TTLAttribute].
//
// Due and list project only the kind: they find candidates, and an item that changes without moving costs them
// nothing. Book projects the body as well, since its entries never change and reports read thousands of them.
func TableSchema(name string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(Main),
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages,
		},
	}
	for _, x := range append([]Index{Main}, indexes[:]...) {
		part, sort := x.place()
		for _, name := range []string{part, sort} {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
				AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS,
			})
		}
	}
	for _, x := range indexes {
		shown := []string{attrKind}
		if x == Book {
			shown = append(shown, attrBody)
		}
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName:  aws.String(string(x)),
			KeySchema:  keySchema(x),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: shown},
		})
	}
	return in
}

func keySchema(x Index) []types.KeySchemaElement {
	part, sort := x.place()
	return []types.KeySchemaElement{
		{AttributeName: aws.String(part), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}
