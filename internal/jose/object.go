package jose

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds how deep a header or a claim may nest.
const maxDepth = 16

var errTooDeep = fmt.Errorf("it nests deeper than %d levels", maxDepth)

// DecodeObject reads one JSON object, numbers as json.Number. It refuses what
// parsers differ on, because two readers of one token must not see two tokens: a
// repeated member (RFC 7515 §4, RFC 7519 §4), text that is not Unicode (RFC 8259
// §8), anything after the object, and nesting without bound. encoding/json lets all
// of them pass. The errors quote nothing of the object.
func DecodeObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data)) // it reads a buffer in place
	var value any
	err := json.UnmarshalDecode(decoder, &value, json.WithUnmarshalers(json.UnmarshalFromFunc(decodeValue)))
	switch {
	case errors.Is(err, errTooDeep):
		return nil, errTooDeep
	case errors.Is(err, jsontext.ErrDuplicateName):
		return nil, errors.New("a member stands in it twice")
	case err != nil:
		return nil, fmt.Errorf("it is not JSON from byte %d on", decoder.InputOffset())
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("it is not a JSON object")
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands after the JSON object")
	}
	return object, nil
}

// decodeValue bounds the depth and keeps the digits of a number. It leaves everything else
// to the decoder.
func decodeValue(decoder *jsontext.Decoder, value *any) error {
	switch decoder.PeekKind() {
	case '{', '[':
		if decoder.StackDepth() == maxDepth {
			return errTooDeep
		}
	case '0':
		token, err := decoder.ReadToken()
		*value = stdjson.Number(token.String())
		return err
	}
	return errors.ErrUnsupported
}
