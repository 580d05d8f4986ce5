package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
)

// init puts plain words for huma's, which keeps them in package variables: after the
// name of a field they say what it must be.
func init() {
	for of, words := range map[*string]string{
		&validation.MsgExpectedBoolean:               "must be true or false",
		&validation.MsgExpectedNumber:                "must be a number",
		&validation.MsgExpectedInteger:               "must be a whole number",
		&validation.MsgExpectedString:                "must be a text",
		&validation.MsgExpectedArray:                 "must be a list",
		&validation.MsgExpectedObject:                "must be an object",
		&validation.MsgExpectedOneOf:                 "must be one of: %s",
		&validation.MsgExpectedMinimumNumber:         "must be at least %v",
		&validation.MsgExpectedMaximumNumber:         "must be at most %v",
		&validation.MsgExpectedMinLength:             "must have %d or more characters",
		&validation.MsgExpectedMaxLength:             "must have %d or fewer characters",
		&validation.MsgExpectedMinItems:              "must have %d or more entries",
		&validation.MsgExpectedMaxItems:              "must have %d or fewer entries",
		&validation.MsgExpectedBePattern:             "must be %s",
		&validation.MsgExpectedMatchExactlyOneSchema: "must have one of the forms that the API's documentation gives",
		&validation.MsgExpectedRFC3339DateTime:       "must be a time such as 2026-06-01T09:00:00Z",
		&validation.MsgExpectedRFC3339Date:           "must be a day such as 2026-06-01",
		&validation.MsgExpectedRFC4122UUID:           "must be an id such as 0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c",
	} {
		*of = words
	}
	// Limits are written in full, not as 2.147483647e+09. What a library says of a value
	// is left out: the words above say what to do.
	huma.ErrorFormatter = func(format string, args ...any) string {
		if !strings.Contains(format, "%") {
			return format
		}
		for i, arg := range args {
			if number, ok := arg.(float64); ok {
				args[i] = strconv.FormatFloat(number, 'f', -1, 64)
			}
		}
		return fmt.Sprintf(format, args...)
	}
}

// parameterWords are plain words for those that huma has for parameters.
var parameterWords = map[string]string{
	"invalid integer":                     "must be a whole number of at most 18 digits",
	"invalid float":                       "must be a number",
	"invalid boolean":                     "must be true or false",
	"required query parameter is missing": "This parameter is required.",
	"expected at most one value, but received multiple values": "must be there once",
}

// plainly words what huma found wrong. What it has from jsonFormat may begin with the
// field's place.
func plainly(d *huma.ErrorDetail) ProblemError {
	location, message := d.Location, d.Message
	if place, rest, ok := strings.Cut(message, ": "); ok && location == "body" && strings.HasPrefix(place, "body.") {
		location, message = place, rest
	}
	if name, ok := strings.CutPrefix(location, "form."); ok || (!strings.Contains(location, ".") && !strings.HasPrefix(location, "body")) {
		location = "body." + name // a form's field and a file
	}
	if words, ok := parameterWords[message]; ok {
		message = words
	}
	if m := requiredProperty.FindStringSubmatch(message); m != nil {
		location, message = location+"."+m[1], "This field is required."
	}
	if strings.HasPrefix(message, "cannot read multipart form") { // there is none
		message = "must be a form (" + multipartType + ") with its end"
	}
	message = strings.TrimPrefix(message, "invalid value: ")
	return ProblemError{fmt.Sprintf("%.100s", location), sentence(message)} // the place may hold the caller's own keys
}

// decodingWords says what is wrong with a value that a type can't hold.
func decodingWords(err error) string {
	var misfit *json.UnmarshalTypeError
	if !errors.As(err, &misfit) {
		return err.Error() // the type's own
	}
	switch kind := misfit.Type.Kind(); kind {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		most := int64(math.MaxInt64 >> (64 - misfit.Type.Bits()))
		return fmt.Sprintf("must be a whole number from %d to %d", -most-1, most)
	case reflect.Float32, reflect.Float64:
		return "must be a number that isn't too large"
	}
	return "must have the form that the API's documentation gives"
}

// sentence makes a sentence of a library's message.
func sentence(message string) string {
	if message == "" {
		return ""
	}
	message = strings.ToUpper(message[:1]) + message[1:]
	if !strings.HasSuffix(message, ".") {
		message += "."
	}
	return message
}
