//! A server that stops, and starts again on the same folder.

use infra_world::World;

use crate::house::House;

#[test]
fn a_second_start_goes_on_where_the_first_stopped() {
    let house = House::open("restart", &[]);
    let password = house.password.clone();
    let data = house.close();
    // Signs in with what the folder says: a start that had lost the account would have made another.
    let house = House::on(&data, &[], World::system());
    assert_eq!(house.password, password);
    assert_eq!(house.close(), data);
}
