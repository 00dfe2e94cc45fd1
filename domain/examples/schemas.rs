//! `make schemas`: freezes each published shape that has no file yet. A file that exists is never written again.

use std::path::Path;
use std::{fs, io};

use domain::published;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    fs::create_dir_all(&folder)?;
    for shape in published::all() {
        let (path, Some(mut schema)) = (folder.join(shape.file_name()), shape.schema.clone()) else { continue };
        if path.exists() {
            continue;
        }
        schema.insert("title".to_owned(), format!("{} version {}", shape.name, shape.version).into());
        fs::write(&path, format!("{:#}\n", schema.as_value()))?;
        println!("froze {}", path.display());
    }
    Ok(())
}
