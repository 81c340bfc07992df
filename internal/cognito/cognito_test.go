package cognito_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"onebook/internal/cognito"
	"onebook/internal/fault"
)

// pool answers as a user pool does: status and body by the operation that is called.
func pool(t *testing.T, answers map[string]string) (cognito.Pool, *[]string) {
	t.Helper()
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSCognitoIdentityProviderService.")
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, op+" "+string(body))
		status, answer, ok := strings.Cut(answers[op], " ")
		if !ok {
			t.Errorf("%s was not expected", op)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		var code int
		fmt.Sscan(status, &code)
		w.WriteHeader(code)
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return cognito.Pool{ID: "pool-1", Client: idp.New(idp.Options{
		Region: "eu-central-1", BaseEndpoint: &s.URL, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	})}, &asked
}

// A sign-in is made once; one that is there is answered as it is; what may pass is busy, and what may not is ours to mend.
func TestEnsure(t *testing.T) {
	const made = `200 {"User":{"Username":"u","Attributes":[{"Name":"email","Value":"ada@studio.example"},{"Name":"sub","Value":"sub-1"}]}}`
	for _, x := range []struct {
		what, sub string
		kind      fault.Kind
		failed    bool
		answers   map[string]string
	}{
		{"new", "sub-1", 0, false, map[string]string{"AdminCreateUser": made}},
		{"there already", "sub-2", 0, false, map[string]string{
			"AdminCreateUser": `400 {"__type":"UsernameExistsException","message":"exists"}`,
			"AdminGetUser":    `200 {"Username":"u","UserAttributes":[{"Name":"sub","Value":"sub-2"}]}`,
		}},
		{"busy", "", fault.Busy, true, map[string]string{"AdminCreateUser": `400 {"__type":"TooManyRequestsException","message":"slow down"}`}},
		{"down", "", fault.Busy, true, map[string]string{"AdminCreateUser": `500 {"__type":"InternalErrorException","message":"oh"}`}},
		{"refused", "", 0, true, map[string]string{"AdminCreateUser": `400 {"__type":"InvalidParameterException","message":"pool-1 says no"}`}},
		{"forbidden", "", 0, true, map[string]string{"AdminCreateUser": `400 {"__type":"NotAuthorizedException","message":"no"}`}},
		{"without a subject", "", 0, true, map[string]string{"AdminCreateUser": `200 {"User":{"Username":"u","Attributes":[]}}`}},
	} {
		p, asked := pool(t, x.answers)
		sub, err := p.Ensure(context.Background(), "ada@studio.example", "Ada")
		if sub != x.sub || fault.KindOf(err) != x.kind || (err != nil) != x.failed {
			t.Errorf("%s: %q %v", x.what, sub, err)
		}
		var f *fault.Error
		if errors.As(err, &f) && strings.Contains(f.Message, "pool-1") {
			t.Errorf("%s: a person is told %q", x.what, f.Message)
		}
		if !strings.Contains((*asked)[0], `"DesiredDeliveryMediums":["EMAIL"]`) || !strings.Contains((*asked)[0], `"ada@studio.example"`) {
			t.Errorf("%s: asked %s", x.what, (*asked)[0])
		}
	}
}
