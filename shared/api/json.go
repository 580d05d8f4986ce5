package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// jsonFormat refuses what Go's decoder would mend silently, take for something else
// or PostgreSQL can't store. The fields are those that the function knows.
func jsonFormat(fields func() *fields) huma.Format {
	return huma.Format{
		Marshal: func(w io.Writer, v any) error {
			if err := encode(w, v); err != nil {
				panic(err) // huma would write its own words; nothing is sent yet
			}
			return nil
		},
		Unmarshal: func(data []byte, v any) error {
			if !utf8.Valid(data) {
				return errors.New("it isn't UTF-8")
			}
			if err := badEscape(data); err != nil {
				return err
			}
			values, names := count(data)
			if values > mostValues {
				return fmt.Errorf("it has more than %d values", mostValues)
			}
			if err := json.Unmarshal(data, v); err != nil {
				if err := fields().misfit(data, v, err); err != nil {
					return err
				}
			}
			if whole, ok := v.(*any); ok { // as huma reads a body first, to check it against the schema
				if members(*whole) < names {
					return errors.New("one of its objects has a field twice: send each once")
				}
				return fields().check(*whole)
			}
			return nil
		},
	}
}

// misfit decodes once more what the decoder refused: whole numbers may be written as
// 3.0 or 1e2 in JSON, but not for Go. Else it says which field is wrong.
func (f *fields) misfit(data []byte, v any, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("it can't be read as JSON beyond byte %d", syntax.Offset)
	}
	var whole any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	_ = decoder.Decode(&whole)                 // it is JSON
	data, _ = json.Marshal(f.plain("", whole)) // and stays it
	if err = json.Unmarshal(data, v); err == nil {
		return nil
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members) // none if it isn't an object
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !f.known[name] {
			continue
		}
		one, _ := json.Marshal(map[string]json.RawMessage{name: members[name]})
		if err := json.Unmarshal(one, reflect.New(reflect.TypeOf(v).Elem()).Interface()); err != nil {
			return fmt.Errorf("body.%s: %s", name, decodingWords(err))
		}
	}
	return errors.New(decodingWords(err))
}

// plain writes the field's whole numbers, and those that it holds, without fraction and
// exponent where they are integers by the schema.
func (f *fields) plain(name string, value any) any {
	switch value := value.(type) {
	case []any:
		for i, entry := range value {
			value[i] = f.plain(name, entry)
		}
	case map[string]any:
		for name, member := range value {
			if !f.free[name] {
				value[name] = f.plain(name, member)
			}
		}
	case json.Number:
		number, err := value.Float64()
		if f.integers[name] && err == nil && number == math.Trunc(number) && math.Abs(number) < 1<<53 {
			return json.Number(strconv.FormatInt(int64(number), 10))
		}
	}
	return value
}

// encode writes nothing if it fails.
func encode(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// fields are the names of what a function's bodies hold.
type fields struct {
	known    map[string]bool
	free     map[string]bool // those whose values hold what names the caller likes
	integers map[string]bool // those that are integers, or lists of them
	days     map[string]bool // those that are days
	most     map[string]int  // entries of those that are lists
}

// newFields reads the names from the schemas of the bodies that the function takes.
func newFields(s *server) *fields {
	f := &fields{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]int{}}
	seen := map[*huma.Schema]bool{}
	var read func(*huma.Schema)
	read = func(schema *huma.Schema) {
		if schema != nil && schema.Ref != "" {
			schema = s.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
		}
		if schema == nil || seen[schema] {
			return
		}
		seen[schema] = true
		for name, property := range schema.Properties {
			f.known[name] = true
			if property.Type == huma.TypeArray {
				most := math.MaxInt
				if property.MaxItems != nil {
					most = *property.MaxItems
				}
				f.most[name] = max(f.most[name], most)
			}
			if property.Items != nil {
				property = property.Items
			}
			switch {
			case property.Format == "date":
				f.days[name] = true
			case property.Type == huma.TypeInteger, slices.ContainsFunc(property.OneOf, func(s *huma.Schema) bool { return s.Type == huma.TypeInteger }):
				f.integers[name] = true
			case property.Ref == "" && len(property.Properties) == 0 && (property.Type == "" || property.Type == huma.TypeObject):
				f.free[name] = true
			}
			read(property)
		}
		read(schema.Items)
	}
	for _, route := range s.methods {
		if route.operation.RequestBody != nil {
			for _, content := range route.operation.RequestBody.Content {
				read(content.Schema)
			}
		}
	}
	return f
}

// check refuses a name that differs from a known one in case only. The schema lets it
// pass as unknown, but Go's decoder takes it for the known one, whose rules it
// would get around. What is unknown is passed over, with all that it holds. A list that
// is too long is cut to one entry too many: huma would find what is wrong with each.
func (f *fields) check(value any) error {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			if err := f.check(element); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			list, _ := value[name].([]any)
			if most, ok := f.most[name]; ok && len(list)-1 > most {
				value[name] = list[:most+1]
			}
			if day, _ := value[name].(string); f.days[name] && strings.HasPrefix(day, "0000-") {
				return fmt.Errorf("body.%s: must be a day of the years 1 to 9999, such as 2026-06-01", name)
			}
			switch {
			case f.free[name]:
			case f.known[name]:
				if err := f.check(value[name]); err != nil {
					return err
				}
			default:
				for known := range f.known {
					if strings.EqualFold(known, name) {
						return fmt.Errorf("the field %.40q is written %q", name, known)
					}
				}
			}
		}
	}
	return nil
}

// mostValues is how many values a body may have. Each takes many times more memory than
// it has bytes: 20 bodies of a MiB of {} took 700 MiB.
const mostValues = 10_000

// count returns how many values the JSON has, an empty list or object for two, and how many
// names its objects give to their members.
func count(data []byte) (values, names int) {
	values = 1
	for text := false; len(data) > 0; data = data[1:] {
		switch c := data[0]; {
		case c == '"':
			text = !text
		case text:
			if c == '\\' && len(data) > 1 {
				data = data[1:]
			}
		case c == '[' || c == '{' || c == ',':
			values++
		case c == ':':
			names++
		}
	}
	return values, names
}

// members returns how many members the value's objects have. They are fewer than the names
// that were sent if one stands twice in its object: the schema's check would see the last,
// but a null leaves in a struct what came before it.
func members(value any) (n int) {
	switch value := value.(type) {
	case []any:
		for _, entry := range value {
			n += members(entry)
		}
	case map[string]any:
		n = len(value)
		for _, member := range value {
			n += members(member)
		}
	}
	return n
}

// badEscape says which escaped character of the JSON no text may hold: NUL, which
// PostgreSQL can't store, and half of a surrogate pair, for which Go puts another.
func badEscape(data []byte) error {
	for {
		at := bytes.IndexByte(data, '\\')
		if at < 0 || at+6 > len(data) {
			return nil
		}
		data = data[at:]
		first, ok := escaped(data)
		switch {
		case !ok:
			data = data[2:] // another escape, such as that of a backslash
			continue
		case first == 0:
			return errors.New("it holds a NUL character, which no text may")
		case utf16.IsSurrogate(first):
			second, _ := escaped(data[6:])
			if utf16.DecodeRune(first, second) == utf8.RuneError {
				return errors.New("it holds half of a surrogate pair, which is no character")
			}
			data = data[6:]
		}
		data = data[6:]
	}
}

// escaped returns the character of an escape such as \u00e5 that the data begin with.
func escaped(data []byte) (rune, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	code, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return rune(code), err == nil
}
