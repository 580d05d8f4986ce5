package patch

import (
	"encoding/json"
	"reflect"
	"testing"
)

type nested struct {
	A string   `json:"a"`
	B []string `json:"b"`
}

type change struct {
	Text  Field[string]         `json:"text"`
	Note  Field[*string]        `json:"note"`
	Count Field[int]            `json:"count"`
	Tags  Field[[]string]       `json:"tags"`
	Deep  Field[nested]         `json:"deep"`
	Rows  Field[[]nested]       `json:"rows"`
	Map   Field[map[string]int] `json:"map"`
}

// FuzzField reads a field that is sent twice. What counts is what was sent last, as if
// it alone had been: null and nothing of the first stay apart from it.
func FuzzField(f *testing.F) {
	for _, seed := range [][3]string{
		{"text", `"a"`, `null`}, {"note", `"a"`, `null`}, {"note", `null`, `"\u0000"`}, {"count", `1`, `1e400`}, {"count", `1.5`, `-0`},
		{"tags", `["a","b"]`, `["c"]`}, {"tags", `null`, `[null]`}, {"deep", `{"a":"x"}`, `{"b":[]}`}, {"rows", `[{"a":"x"},{"a":"y"}]`, `[{},{"b":null}]`},
		{"map", `{"a":1}`, `{"b":2}`}, {"other", `1`, `2`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, name, first, last string) {
		if !json.Valid([]byte(first)) || !json.Valid([]byte(last)) {
			return
		}
		key, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		var twice, once, none change
		onceErr := json.Unmarshal([]byte("{"+string(key)+":"+last+"}"), &once)
		if json.Unmarshal([]byte("{"+string(key)+":"+first+","+string(key)+":"+last+"}"), &twice) != nil {
			return
		}
		if onceErr != nil || !reflect.DeepEqual(twice, once) {
			t.Errorf("%s sent as %s, then as %s: %+v, want %+v", key, first, last, twice, once)
		}
		set := 0
		v := reflect.ValueOf(once)
		for i := range v.NumField() {
			field := v.Field(i).Interface().(interface{ IsSet() bool })
			if field.IsSet() {
				set++
				if last == "null" && v.Type().Field(i).Name != "Note" {
					t.Errorf("null is taken for %s", v.Type().Field(i).Name)
				}
			} else if !reflect.DeepEqual(v.Field(i).Interface(), reflect.ValueOf(none).Field(i).Interface()) {
				t.Errorf("%s has a value but wasn't sent", v.Type().Field(i).Name)
			}
		}
		if set > 1 {
			t.Errorf("%s sets %d fields", key, set)
		}
	})
}
