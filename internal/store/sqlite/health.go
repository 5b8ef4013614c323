package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
)

// CheckWritable writes 16 KiB, deletes them again and commits. That is more than a request writes,
// so it fails first on a disk that fills up.
func (d *DB) CheckWritable(ctx context.Context) error {
	const doing = "check that the database takes writes"
	ctx, cancel := d.bound(ctx)
	defer cancel()
	return fault(doing, d.write.doAlone(ctx, func(ctx context.Context, tx *transaction) error {
		var missing []byte
		err := tx.row(ctx, `SELECT json_group_array(value) FROM json_each(?)
			WHERE value NOT IN (SELECT name FROM sqlite_schema WHERE type = 'table')`, d.tables).Scan(&missing)
		if err != nil {
			return err
		}
		if string(missing) != "[]" {
			return fmt.Errorf("tables are missing: %s", missing)
		}
		if _, err := tx.exec(ctx, "INSERT INTO probes (content) VALUES (zeroblob(16384))"); err != nil {
			return err
		}
		_, err = tx.exec(ctx, "DELETE FROM probes")
		return err
	}))
}

// asArray makes the JSON array of names for a query.
func asArray(names []string) (string, error) {
	array, err := json.Marshal(names)
	return string(array), err
}
