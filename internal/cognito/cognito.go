// Package cognito keeps the sign-ins of the organisation's people in a user pool.
package cognito

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"onebook/internal/fault"
)

// Pool is one user pool.
type Pool struct {
	Client *idp.Client
	ID     string
}

// Ensure makes a sign-in for an address, whose owner is mailed how to begin, and answers the subject that its tokens carry. One
// that is there already is answered as it is. fault.Busy when it could not be reached: asking again is safe.
func (p Pool) Ensure(ctx context.Context, email, name string) (string, error) {
	out, err := p.Client.AdminCreateUser(ctx, &idp.AdminCreateUserInput{
		UserPoolId: &p.ID, Username: &email, DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumTypeEmail},
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: &email}, {Name: aws.String("email_verified"), Value: aws.String("true")},
			{Name: aws.String("name"), Value: &name},
		},
	})
	var exists *types.UsernameExistsException
	if errors.As(err, &exists) {
		got, err := p.Client.AdminGetUser(ctx, &idp.AdminGetUserInput{UserPoolId: &p.ID, Username: &email})
		if err != nil {
			return "", classify(err)
		}
		return subject(got.UserAttributes)
	}
	if err != nil {
		return "", classify(err)
	}
	return subject(out.User.Attributes)
}

func subject(attrs []types.AttributeType) (string, error) {
	for _, a := range attrs {
		if aws.ToString(a.Name) == "sub" && aws.ToString(a.Value) != "" {
			return *a.Value, nil
		}
	}
	return "", errors.New("cognito: a user without a subject")
}

func classify(err error) error {
	var refused *types.InvalidParameterException
	var denied *types.NotAuthorizedException
	if errors.As(err, &refused) || errors.As(err, &denied) {
		return fmt.Errorf("cognito: %w", err)
	}
	return fmt.Errorf("%w: %w", fault.Busy.Errorf("the sign-in service cannot be reached; try again in a moment"), err)
}
