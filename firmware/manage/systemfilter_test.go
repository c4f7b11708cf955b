// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"testing"

	"evener/firmware/logring"
)

func TestLogWordsChooseRecords(t *testing.T) {
	r := logring.Record{Message: "Member changed", Attrs: []logring.Attr{{Key: "pool", Value: "shop"}, {Key: "reason", Value: "http: 200 OK"}}}
	for _, test := range []struct {
		name  string
		words []string
		want  bool
	}{
		{"none", nil, true},
		{"in the message", []string{"member"}, true},
		{"in an attribute", []string{"200"}, true},
		{"nowhere", []string{"crashed"}, false},
		{"all must fit", []string{"member", "crashed"}, false},
		{"attribute", []string{"pool=shop"}, true},
		{"beginning of an attribute", []string{"reason=http:"}, true},
		{"another value", []string{"pool=api"}, false},
		{"another attribute", []string{"member=shop"}, false},
		{"left out", []string{"-pool=shop"}, false},
		{"left out elsewhere", []string{"-pool=api"}, true},
		{"word left out", []string{"-changed"}, false},
		{"a dash alone is a word", []string{"-"}, false},
	} {
		words, err := logWords(test.words)
		if err != nil {
			t.Fatal(err)
		}
		if got := hasWords(words, r); got != test.want {
			t.Errorf("%s: hasWords(%q) = %v, want %v", test.name, test.words, got, test.want)
		}
	}
}

func TestLogWordsAreBounded(t *testing.T) {
	if _, err := logWords(make([]string, maxLogWords+1)); err == nil {
		t.Errorf("logWords of %d words: no error, want one", maxLogWords+1)
	}
}

func FuzzLogWords(f *testing.F) {
	f.Add("-pool=shop")
	f.Add("=")
	f.Add("--")
	f.Fuzz(func(t *testing.T, word string) {
		words, err := logWords([]string{word})
		if err != nil || len(words) != 1 {
			t.Fatalf("logWords(%q) = %v, %v, want one word", word, words, err)
		}
		hasWords(words, logring.Record{Message: word, Attrs: []logring.Attr{{Key: word, Value: word}}})
	})
}
